"""A worker that is stopped by an Event."""
import threading
import time

stop = threading.Event()


def work():
    try:
        while not stop.is_set():
            time.sleep(1)
        print('worker: stopped', flush=True)
    finally:
        print('worker: cleaned up', flush=True)


worker = threading.Thread(target=work)
worker.start()
time.sleep(1.5)
stop.set()
worker.join()
print('main: done')
