"""A worker that is stopped by a variable."""
import threading
import time

stop = False


def work():
    try:
        while not stop:
            time.sleep(1)
        print('worker: stopped', flush=True)
    finally:
        print('worker: cleaned up', flush=True)


worker = threading.Thread(target=work)
worker.start()
time.sleep(1.5)
stop = True
worker.join()
print('main: done')
