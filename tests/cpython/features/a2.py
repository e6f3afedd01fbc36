"""The same with a handler of the program's own."""
import _thread
import signal
import threading
import time

interrupted = False


def handle(number, frame):
    global interrupted
    interrupted = True
    print('handler:', number == signal.SIGINT)


def work():
    time.sleep(1)
    _thread.interrupt_main()


signal.signal(signal.SIGINT, handle)
threading.Thread(target=work).start()
while not interrupted:
    time.sleep(0.5)
print('main: interrupted')
