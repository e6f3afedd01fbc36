"""A worker for which main waits a limited time."""
import threading
import time


def work():
    try:
        for _ in range(3):
            time.sleep(1)
        print('worker: stopped', flush=True)
    finally:
        print('worker: cleaned up', flush=True)


worker = threading.Thread(target=work)
worker.start()
worker.join(timeout=1.5)
print('main: waits no longer', flush=True)
worker.join()
print('main: done')
