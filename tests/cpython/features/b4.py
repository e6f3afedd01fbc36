"""A daemon thread, which ends with the process."""
import threading
import time


def work():
    try:
        while True:
            time.sleep(1)
    finally:
        print('worker: cleaned up', flush=True)


worker = threading.Thread(target=work, daemon=True)
worker.start()
time.sleep(1.5)
print('main: done')
