"""A thread that is stopped by an Event, which the program's own SIGINT handler sets."""
import signal
import threading
import time

stop = threading.Event()


def handle(number, frame):
    print('main: caught', number, flush=True)
    stop.set()


def work():
    print('worker: started', flush=True)
    try:
        while not stop.is_set():
            stop.wait(0.1)
    finally:
        print('worker: cleaned up', flush=True)


signal.signal(signal.SIGINT, handle)
worker = threading.Thread(target=work)
worker.start()
print('ready', flush=True)
while not stop.is_set():
    time.sleep(0.1)
worker.join()
print('main: done', flush=True)
