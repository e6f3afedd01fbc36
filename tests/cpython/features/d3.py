"""A daemon thread that nobody has thought of stopping; its cleanup takes a moment."""
import sys
import threading
import time
# CPython 3.13 imports these to print an exception. A thread that does so makes it forget, with and without the shim, that
# main had a KeyboardInterrupt, and its status is 1.
import tokenize
import traceback

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
