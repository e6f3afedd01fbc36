"""A daemon thread that nobody has thought of stopping; its cleanup takes a moment."""
import threading
import time


def work():
    print('worker: started', flush=True)
    try:
        while True:
            time.sleep(1000)
    finally:
        time.sleep(0.3)
        print('worker: cleaned up', flush=True)


threading.Thread(target=work, daemon=True).start()
print('ready', flush=True)
time.sleep(1000)
