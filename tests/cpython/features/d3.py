"""A daemon thread that nobody has thought of stopping; its cleanup takes a moment."""
import sys
import threading
import time

started = threading.Event()


def say(text):
    sys.stdout.write(text + '\n')
    sys.stdout.flush()


def work():
    say('worker: started')
    started.set()
    try:
        while True:
            time.sleep(1)
    finally:
        time.sleep(0.3)
        say('worker: cleaned up')


threading.Thread(target=work, daemon=True).start()
started.wait()
say('ready')
while True:
    time.sleep(1)
