"""In a CPython under the shim, any from 3.6: from a request to the `except` clause, for each wait; python_waits.py ROUNDS
INTERRUPTCTL prints a line of JSON for each.

In turn: `thread`, libinterrupt.interrupt() by another thread; `command`, interruptctl, its own start included; and without the
shim `stdlib`, what the standard library has for this wait (an event, a sentinel, a release, a shutdown of the socket), and
`polling`, where the wait is cut into pieces of 50 ms and a flag looked at after each.
"""
import json
import os
import queue
import random
import select
import socket
import subprocess
import sys
import threading
import time

PIECE = 0.05  # seconds, of the polling


class Waits(object):
    """Each: a wait, what ends it by the standard library, and one piece of it. All is made afresh for each time."""

    def __init__(self):
        self.lock = threading.Lock()
        self.lock.acquire()
        self.event, self.items = threading.Event(), queue.Queue()
        self.ours, self.theirs = socket.socketpair()

    def get(self, timeout=None):
        try:
            self.items.get(timeout=timeout)
        except queue.Empty:
            pass

    def close(self):
        self.ours.close()
        self.theirs.close()

    def table(self):
        return {
            'sleep': (lambda: time.sleep(60), None, lambda: time.sleep(PIECE)),
            'Lock.acquire': (self.lock.acquire, self.lock.release, lambda: self.lock.acquire(timeout=PIECE)),
            'Event.wait': (self.event.wait, self.event.set, lambda: self.event.wait(PIECE)),
            'Queue.get': (self.get, lambda: self.items.put(None), lambda: self.get(PIECE)),
            'recv': (lambda: self.ours.recv(1), lambda: self.ours.shutdown(socket.SHUT_RDWR),
                     lambda: select.select([self.ours], [], [], PIECE)),
            'spinning': (spin, None, None),
        }


def spin():
    while True:
        pass


def once(wait, interrupt, caught):
    """Milliseconds from interrupt(thread) to the end of the wait."""
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
    return (ended[0] - start) * 1000


def ways(name, interruptctl):
    """name: (the wait, how it is ended, what it raises)"""
    import libinterrupt

    def by_command(thread):
        tid = libinterrupt._native.native_id(thread.ident)
        subprocess.check_call([interruptctl, 'interrupt', str(os.getpid()), str(tid)], stdout=subprocess.DEVNULL)

    waits = Waits()
    wait, end, piece = waits.table()[name]
    flag = threading.Event()

    def in_pieces():
        while not flag.is_set():
            piece()
    found = {'thread': (wait, libinterrupt.interrupt, libinterrupt.ThreadInterrupted),
             'command': (wait, by_command, libinterrupt.ThreadInterrupted)}
    if end:
        found['stdlib'] = (wait, lambda _: end(), ())
    if piece:
        found['polling'] = (in_pieces, lambda _: flag.set(), ())
    return waits, found


def main():
    rounds, interruptctl = int(sys.argv[1]), sys.argv[2]
    for name in Waits().table():
        times = {}
        for _ in range(rounds):
            for way in ('thread', 'command', 'stdlib', 'polling'):
                waits, found = ways(name, interruptctl)
                if way in found:
                    times.setdefault(way, []).append(once(*found[way]))
                waits.close()
        print(json.dumps([name, times]), flush=True)


if __name__ == '__main__':
    main()
