"""In an interpreter that is measured, any CPython from 3.6: a line with a name comes, the time of one call of a batch goes back,
in nanoseconds; for `memory`, KiB that it has written."""
import os
import re
import socket
import sys
import threading
import time


def measured():
    lock = threading.Lock()
    ours, theirs = socket.socketpair()
    reading, writing = os.pipe()

    def timed(count, call):
        calls = range(count)
        start = time.perf_counter()
        for _ in calls:
            call()
        return (time.perf_counter() - start) * 1e9 / count

    def acquire_release(count=20000):
        acquire, release = lock.acquire, lock.release
        start = time.perf_counter()
        for _ in range(count):
            acquire()
            release()
        return (time.perf_counter() - start) * 1e9 / count

    def with_lock(count=20000):
        start = time.perf_counter()
        for _ in range(count):
            with lock:
                pass
        return (time.perf_counter() - start) * 1e9 / count

    def recv(count=2000):
        theirs.send(b'x' * count)
        receive = ours.recv
        return timed(count, lambda: receive(1))

    def read(count=2000):
        os.write(writing, b'x' * count)
        return timed(count, lambda: os.read(reading, 1))

    def sleep(count=200):
        return timed(count, lambda: time.sleep(0))

    def memory():
        with open('/proc/self/smaps_rollup') as lines:
            text = lines.read()
        return sum(int(size) for size in re.findall(r'^(?:Private|Shared)_Dirty:\s*(\d+)', text, re.MULTILINE))

    return {function.__name__: function for function in (acquire_release, with_lock, recv, read, sleep, memory)}


def main():
    functions = measured()
    for name in sys.stdin:
        print(functions[name.strip()](), flush=True)


if __name__ == '__main__':
    main()
