"""What the shim costs a CPython program: python_cost.py LIBRARY FORWARDER [PYTHON...]

The same interpreter runs bare and under the shim at the same time, and they do their batches in turn: the ratio of the
medians is printed, for calls that need not wait, the start of an interpreter, and its memory. Where things lie in memory
makes one process faster than the next, so this is done with several sets of processes: the median of their ratios.
FORWARDER is the least that an interposer of recv() and read() can be: the ratio behind the stroke is its own.
"""
import os
import socket
import statistics
import subprocess
import sys
import threading
import time

ROUNDS = 20
SETS = 9
NAMES = ('acquire_release', 'with_lock', 'recv', 'read', 'start')
FORWARDED = ('recv', 'read')


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


def measure_set(bare, shim, forwarded):
    ratios = []
    for name in NAMES:
        times = ([], [], [])
        for _ in range(ROUNDS):
            for side, result in zip((bare, shim, forwarded), times):
                result.append(side.start(name) if name == 'start' else side.batch(name))
        ratios += [statistics.median(times[i]) / statistics.median(times[0]) for i in (1, 2)]
    return ratios + [shim.batch('memory') - bare.batch('memory')]


def measure(python, library, forwarder):
    sets = []
    for _ in range(SETS):
        sides = [Side(python, preload) for preload in ('', library, forwarder)]
        sets.append(measure_set(*sides))
        for side in sides:
            side.end()
    medians = [statistics.median(column) for column in zip(*sets)]
    columns = []
    for name, ratio, forwarded in zip(NAMES, medians[:-1:2], medians[1:-1:2]):
        columns.append('%.3f' % ratio + (' / %.3f' % forwarded if name in FORWARDED else ''))
    return columns + ['%+.2f MiB' % medians[-1]]


def main():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # both sides on one CPU, whatever others do to it
    library, forwarder = (os.path.abspath(path) for path in sys.argv[1:3])
    form = '%-46s %9s %9s %13s %13s %9s %10s'
    print(form % ('ratio, under the shim : bare', 'acquire', 'with lock', 'recv', 'os.read', 'start', 'memory'))
    for python in sys.argv[3:] or [sys.executable]:
        print(form % tuple([python] + measure(python, library, forwarder)), flush=True)


if __name__ == '__main__':
    batches() if sys.argv[1:] == ['--batches'] else main()
