"""What the shim costs a CPython program: python_cost.py LIBRARY [PYTHON...]

The same interpreter runs bare and under the shim at the same time, and they do their batches in turn: the ratio of the
medians is printed, for calls that need not wait, the start of an interpreter, and its memory. Where things lie in memory
makes one process faster than the next, so this is done with several pairs of processes: the median of their ratios.
"""
import os
import socket
import statistics
import subprocess
import sys
import threading
import time

ROUNDS = 20
PAIRS = 9


def batches():
    """In an interpreter that is measured: a line with a name comes, the time of one batch goes back."""
    lock = threading.Lock()
    ours, theirs = socket.socketpair()
    reading, writing = os.pipe()

    def acquire_release(count=20000):
        acquire, release = lock.acquire, lock.release
        for _ in range(count):
            acquire()
            release()

    def with_lock(count=20000):
        for _ in range(count):
            with lock:
                pass

    def recv(count=2000):
        theirs.send(b'x' * count)
        receive = ours.recv
        start = time.perf_counter()
        for _ in range(count):
            receive(1)
        return time.perf_counter() - start

    def read(count=2000):
        os.write(writing, b'x' * count)
        start = time.perf_counter()
        for _ in range(count):
            os.read(reading, 1)
        return time.perf_counter() - start

    def memory():
        with open('/proc/self/smaps_rollup') as lines:
            sizes = dict(line.split(':', 1) for line in lines if ':' in line and '-' not in line.split(':')[0])
        return int(sizes['Pss'].split()[0]) / 1024

    functions = {function.__name__: function for function in (acquire_release, with_lock, recv, read, memory)}
    for name in sys.stdin:
        start = time.perf_counter()
        result = functions[name.strip()]()
        print(time.perf_counter() - start if result is None else result, flush=True)


class Side(object):
    def __init__(self, python, library):
        self.python = python
        self.environment = dict(os.environ, **({'LD_PRELOAD': library} if library else {}))
        self.process = subprocess.Popen([python, __file__, '--batches'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        universal_newlines=True, env=self.environment)

    def batch(self, name):
        self.process.stdin.write(name + '\n')
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def start(self, _):
        begin = time.perf_counter()
        subprocess.check_call([self.python, '-c', 'pass'], env=self.environment)
        return time.perf_counter() - begin

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def measure_pair(bare, shim):
    ratios = []
    for name in ('acquire_release', 'with_lock', 'recv', 'read', 'start'):
        times = ([], [])
        for _ in range(ROUNDS):
            for side, result in zip((bare, shim), times):
                result.append(side.start(name) if name == 'start' else side.batch(name))
        ratios.append(statistics.median(times[1]) / statistics.median(times[0]))
    return ratios + [shim.batch('memory') - bare.batch('memory')]


def measure(python, library):
    pairs = []
    for _ in range(PAIRS):
        sides = Side(python, ''), Side(python, library)
        pairs.append(measure_pair(*sides))
        for side in sides:
            side.end()
    medians = [statistics.median(column) for column in zip(*pairs)]
    return ['%.3f' % ratio for ratio in medians[:-1]] + ['%+.2f MiB' % medians[-1]]


def main():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # both sides on one CPU, whatever others do to it
    library, pythons = os.path.abspath(sys.argv[1]), sys.argv[2:] or [sys.executable]
    print('%-46s %9s %9s %9s %9s %9s %10s' % ('ratio, under the shim : bare', 'acquire', 'with lock', 'recv', 'os.read',
                                           'start', 'memory'))
    for python in pythons:
        print('%-46s %9s %9s %9s %9s %9s %10s' % tuple([python] + measure(python, library)), flush=True)


if __name__ == '__main__':
    batches() if sys.argv[1:] == ['--batches'] else main()
