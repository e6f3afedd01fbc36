"""interrupt_main() with a signal's number."""
import _thread
import signal
import sys
import threading
import time

if sys.version_info < (3, 10):
    print('interrupt_main() takes no number')
    sys.exit(77)


class Terminated(Exception):
    pass


def handle(number, frame):
    assert number == signal.SIGTERM
    raise Terminated


def interrupt(*arguments):
    time.sleep(0.3)
    _thread.interrupt_main(*arguments)


def elapsed_until(exception, *arguments):
    worker = threading.Thread(target=interrupt, args=arguments)
    start = time.time()
    worker.start()
    try:
        time.sleep(4)
    except exception:
        pass
    worker.join()
    return time.time() - start


signal.signal(signal.SIGTERM, handle)
assert elapsed_until(Terminated, signal.SIGTERM) < 3
assert elapsed_until(KeyboardInterrupt, signal.SIGINT) < 3
assert elapsed_until(KeyboardInterrupt) < 3
signal.signal(signal.SIGTERM, signal.SIG_IGN)
assert elapsed_until(Terminated, signal.SIGTERM) >= 4
