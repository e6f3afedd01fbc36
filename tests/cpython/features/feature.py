"""What the rows C11 to C16 share. Without the shim an interrupt is what CPython itself has, the asynchronous exception:
so it can be seen that there the waits go on to their ends."""
import ctypes
import os
import sys
import threading
import time

under_shim = 'libinterrupt' in os.environ.get('LD_PRELOAD', '')
libc = ctypes.CDLL(None)

END = 4     # when a wait that nobody interrupts comes to its end, in seconds
PROMPT = 3
LONG = 60

if under_shim:
    from libinterrupt import ThreadInterrupted, interrupt
else:
    class ThreadInterrupted(BaseException):
        pass

    def interrupt(thread):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(ThreadInterrupted))


def until(condition, what):
    deadline = time.time() + LONG
    while not condition():
        assert time.time() < deadline, 'never ' + what
        time.sleep(0.002)


def waits_and_switches(tid):
    with open('/proc/self/task/%d/status' % tid) as status:
        lines = dict(line.split(':', 1) for line in status)
    return lines['State'].split()[0] == 'S', int(lines['voluntary_ctxt_switches'])


def await_blocked(tid):
    """Until the thread waits for more than the GIL, which is free meanwhile."""
    def blocked():
        before = waits_and_switches(tid)
        time.sleep(0.05)
        return before[0] and before == waits_and_switches(tid)
    until(blocked, 'blocked')


class Waiting(object):
    """A thread that waits; `end` is called when it should have been interrupted long ago."""

    def __init__(self, name, wait, end=None):
        self.name = name
        self.wait = wait
        self.end = end
        self.tid = None
        self.outcome = 'nothing'
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        until(lambda: self.tid, 'started')
        await_blocked(self.tid)

    def run(self):
        self.tid = libc.gettid()
        try:
            self.outcome = 'it returned %r' % (self.wait(),)
            time.sleep(0.01)
        except ThreadInterrupted:
            self.outcome = None
        self.ended = time.time()

    def check(self, asked):
        """What is wrong, or None."""
        self.thread.join(LONG)
        assert not self.thread.is_alive(), self.name + ': it is still there'
        if self.outcome is not None:
            return '%s: %s' % (self.name, self.outcome)
        if self.ended - asked > PROMPT:
            return '%s: only after %.1f s' % (self.name, self.ended - asked)
        return None


def check_all_interrupted(waiting):
    asked = time.time()
    for each in waiting:
        interrupt(each.thread)
    enders = [threading.Timer(END, each.end) for each in waiting if each.end]
    for ender in enders:
        ender.start()
    try:
        wrong = [each.check(asked) for each in waiting]
    finally:
        for ender in enders:
            ender.cancel()
    wrong = [each for each in wrong if each]
    assert not wrong, wrong
