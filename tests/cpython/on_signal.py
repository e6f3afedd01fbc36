"""Unmodified programs, one for each function, that are interrupted by signals (on_signal_test.cpp)."""
import atexit
import ctypes
import os
import signal
import sys
import threading
import time
import _thread
# CPython 3.13 imports these to print an exception. A thread that does so makes it forget, with and without the shim, that
# main had a KeyboardInterrupt, and its status is 1.
import tokenize
import traceback


def say(text):
    sys.stdout.write(text + '\n')
    sys.stdout.flush()


def started(function, daemon=False, name=None):
    running = threading.Event()

    def run():
        if name is not None:
            ctypes.CDLL(None).prctl(15, name.encode(), 0, 0, 0)  # PR_SET_NAME
        running.set()
        function()
    thread = threading.Thread(target=run, daemon=daemon)
    thread.start()
    running.wait()
    return thread


def survive():
    while True:
        try:
            time.sleep(1000)
        except BaseException as error:
            say('worker caught ' + type(error).__name__)


def clean_up_slowly():
    try:
        time.sleep(1000)
    finally:
        time.sleep(0.3)
        say('worker cleaned up')


def sleep_long():
    say('ready')
    time.sleep(1000)


def survivor():
    """Threads that do not end, and main that is interrupted."""
    atexit.register(say, 'atexit')
    started(survive)
    started(survive, daemon=True)
    sleep_long()


def main_at_its_end():
    """Main only waits for its thread, in the interpreter."""
    started(clean_up_slowly)
    say('ready')


def handled_at_its_end():
    """The same, with a handler that goes on and a thread that does not end."""
    signal.signal(signal.SIGINT, lambda number, frame: say('handled'))
    started(survive)
    say('ready')


def undisturbed():
    """A thread that the rule does not choose has time to end."""
    def other():
        time.sleep(1.5)
        say('other ended')
    started(survive, name='victim')
    started(other, name='other')
    sleep_long()


def goes_on():
    """A program that handles Ctrl-C and goes on."""
    started(survive, daemon=True)
    say('ready')
    for _ in range(3):
        try:
            time.sleep(1000)
        except KeyboardInterrupt:
            say('main goes on')
    say('main ends')


def computing():
    """Both compute."""
    def spin():
        while True:
            pass

    def work():
        try:
            spin()
        finally:
            say('worker cleaned up')
    started(work, daemon=True)
    say('ready')
    spin()


def asleep():
    started(clean_up_slowly, daemon=True)
    sleep_long()


def simulated():
    """No signal at all."""
    started(clean_up_slowly, daemon=True)
    say('ready')
    _thread.interrupt_main()
    time.sleep(1)


def signal_to_worker():
    """Main blocks the signal; Python's handler runs in main all the same, when main does."""
    started(lambda: time.sleep(1000), daemon=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(100):
            time.sleep(0.1)
    except KeyboardInterrupt:
        say('main caught KeyboardInterrupt')
    say('main ends')


def pool():
    """Workers that end when the pool is told so, at the interpreter's end."""
    from concurrent.futures import ThreadPoolExecutor
    executor = ThreadPoolExecutor(2)
    future = executor.submit(time.sleep, 1000)
    while not future.running():
        time.sleep(0.001)
    sleep_long()


def forked():
    """A child that waits by itself, and its parent that waits for it."""
    child = os.fork()
    if child == 0:
        started(clean_up_slowly, daemon=True)
        sleep_long()
    while True:
        try:
            os.waitpid(child, 0)
            break
        except KeyboardInterrupt:
            say('parent goes on')


globals()[sys.argv[1]]()
