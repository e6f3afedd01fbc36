"""A program that knows nothing of interrupts."""
import queue
import threading

items = queue.Queue()


def work():
    try:
        while True:
            items.get()
    finally:
        print('worker: cleaned up', flush=True)


worker = threading.Thread(target=work)
worker.start()
worker.join()
print('main: done')
