"""A thread that nobody has thought of stopping."""
import threading
import time


def work():
    print('worker: started', flush=True)
    try:
        while True:
            time.sleep(1000)
    finally:
        print('worker: cleaned up', flush=True)


threading.Thread(target=work).start()
print('ready', flush=True)
time.sleep(1000)
