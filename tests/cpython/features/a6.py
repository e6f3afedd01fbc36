"""A handler that does not raise: the main thread goes on with the rest of its wait."""
import _thread
import select
import signal
import socket
import threading
import time

FULL = 1.2
handled = []
ours, theirs = socket.socketpair()
ours.settimeout(FULL)
lock = threading.Lock()
lock.acquire()


def receive():
    try:
        ours.recv(1)
    except socket.timeout:
        pass


waits = [
    ('sleep', lambda: time.sleep(FULL)),
    ('lock.acquire', lambda: lock.acquire(timeout=FULL)),
    ('Event.wait', lambda: threading.Event().wait(FULL)),
    ('select', lambda: select.select([ours], [], [], FULL)),
    ('recv', receive),
]


def interrupt():
    time.sleep(0.3)
    _thread.interrupt_main()


signal.signal(signal.SIGINT, lambda number, frame: handled.append(time.monotonic()))
for name, wait in waits:
    del handled[:]
    worker = threading.Thread(target=interrupt)
    start = time.monotonic()
    worker.start()
    wait()
    elapsed = time.monotonic() - start
    worker.join()
    assert len(handled) == 1, (name, len(handled))
    assert handled[0] - start < FULL - 0.2, '%s: the handler ran after %.1f s' % (name, handled[0] - start)
    assert FULL - 0.01 <= elapsed < FULL + 2, '%s: it took %.1f s' % (name, elapsed)
