"""From the request to the `except` clause: python_latency.py BUILD_DIRECTORY [PYTHON...]

For each wait three ways in turn, medians in milliseconds: `thread`, by libinterrupt.interrupt() in another thread of the
program; `command`, by interruptctl, its own start included; and beside them `polling`, the way without the shim: the wait
is cut into pieces of 50 ms, and a flag looked at after each.
"""
import os
import queue
import random
import select
import socket
import statistics
import subprocess
import sys
import threading
import time

ROUNDS = 15
PIECE = 0.05  # seconds, of the chunked polling method


def waits():
    """name: (the wait, the same in pieces with a flag)"""
    lock = threading.Lock()
    lock.acquire()
    event, items = threading.Event(), queue.Queue()
    ours, _theirs = pair = socket.socketpair()

    def in_pieces(piece):
        def wait(flag):
            while not flag.is_set():
                piece()
        return wait

    def get(timeout):
        try:
            items.get(timeout=timeout)
        except queue.Empty:
            pass

    def spin():
        while True:
            pass
    return pair, {
        'sleep': (lambda: time.sleep(60), in_pieces(lambda: time.sleep(PIECE))),
        'Lock.acquire': (lambda: lock.acquire(), in_pieces(lambda: lock.acquire(timeout=PIECE))),
        'Event.wait': (lambda: event.wait(), in_pieces(lambda: event.wait(PIECE))),
        'Queue.get': (lambda: items.get(), in_pieces(lambda: get(PIECE))),
        'recv': (lambda: ours.recv(1), in_pieces(lambda: select.select([ours], [], [], PIECE))),
        'spinning': (spin, None),
    }


def once(wait, interrupt, caught):
    """Seconds from interrupt(thread) to the end of the wait."""
    ended = []

    def run():
        try:
            wait()
        except caught:
            pass
        ended.append(time.perf_counter())
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    time.sleep(0.02 + random.random() * PIECE)  # into its wait, at any point of a piece
    start = time.perf_counter()
    interrupt(thread)
    thread.join()
    return ended[0] - start


def measured(interruptctl):
    import libinterrupt

    def by_command(thread):
        tid = libinterrupt._native.native_id(thread.ident)
        subprocess.check_call([interruptctl, 'interrupt', str(os.getpid()), str(tid)], stdout=subprocess.DEVNULL)

    keep, table = waits()
    for name, (wait, in_pieces) in table.items():
        times = {'thread': [], 'command': [], 'polling': []}
        for _ in range(ROUNDS):
            times['thread'].append(once(wait, libinterrupt.interrupt, libinterrupt.ThreadInterrupted))
            times['command'].append(once(wait, by_command, libinterrupt.ThreadInterrupted))
            if in_pieces:
                flag = threading.Event()
                times['polling'].append(once(lambda: in_pieces(flag), lambda _: flag.set(), ()))
        print('    %-14s' % name + ''.join('%10s' % ('%.2f' % (1000 * statistics.median(column)) if column else '-')
                                          for column in times.values()), flush=True)


def main():
    build, pythons = os.path.abspath(sys.argv[1]), sys.argv[2:] or [sys.executable]
    for python in pythons:
        print('%s\n    %-14s%10s%10s%10s' % (python, 'ms', 'thread', 'command', 'polling'), flush=True)
        subprocess.check_call([python, __file__, '--measure', build + '/interruptctl'],
                              env=dict(os.environ, LD_PRELOAD=build + '/libinterrupt.so'))


if __name__ == '__main__':
    measured(sys.argv[2]) if sys.argv[1] == '--measure' else main()
