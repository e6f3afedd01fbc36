"""A thread that is stopped by an Event, which the program's own SIGINT handler sets."""
import signal
import sys
import threading
import time

stop = threading.Event()
started = threading.Event()


def say(text):
    sys.stdout.write(text + '\n')
    sys.stdout.flush()


def handle(number, frame):
    say('main: caught %d' % number)
    stop.set()


def work():
    say('worker: started')
    started.set()
    try:
        while not stop.is_set():
            time.sleep(0.1)
    finally:
        say('worker: cleaned up')


signal.signal(signal.SIGINT, handle)
worker = threading.Thread(target=work)
worker.start()
started.wait()
say('ready')
while not stop.is_set():
    time.sleep(0.1)
worker.join()
say('main: done')
