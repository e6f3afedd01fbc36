"""A worker interrupts the main thread, which sleeps in a loop."""
import _thread
import threading
import time


def work():
    time.sleep(1)
    _thread.interrupt_main()


threading.Thread(target=work).start()
try:
    while True:
        time.sleep(0.5)
except KeyboardInterrupt:
    print('main: KeyboardInterrupt')
