"""Requests that meet a thread outside of the blocking builtins, in a C library or between bytecodes, and masks."""
import ctypes
import errno
import select
import threading
import time

from support import *


def call_of_a_c_library():
    """ECANCELED once; then the exception, between two bytecodes or at the next wait."""
    reading, writing = os.pipe()
    library = ctypes.CDLL(None, use_errno=True)
    seen = []

    def call(then):
        tell('follow', gettid(), 'poll', 'default')
        try:
            fds = (ctypes.c_int * 2)(reading, select.POLLIN)
            result = library.poll(ctypes.byref(fds), ctypes.c_ulong(1), LONG * 1000)
            seen.append((result, ctypes.get_errno()))
            then()
        except ThreadInterrupted:
            seen.append('raised')
        assert answer() == 'done'

    def compute():
        deadline = time.time() + LONG
        while time.time() < deadline:
            pass

    for then in (compute, lambda: time.sleep(LONG), taken_lock().acquire):
        del seen[:]
        start = time.time()
        Running(call, then).result()
        assert time.time() - start < PROMPT
        assert seen == [(-1, errno.ECANCELED), 'raised'], seen


def computing_before_a_call_of_a_c_library():
    """The exception is on its way while ctypes, in C and with the GIL, converts an argument: the wait that follows ends
    once, and then it is raised."""
    fds = (ctypes.c_int * 2)(os.pipe()[0], select.POLLIN)
    library = ctypes.CDLL(None, use_errno=True)
    text = 'x' * 20000000  # tens of milliseconds
    seen = []

    def call():
        try:
            assert libc.interrupt_thread(gettid()) == 0
            result = library.poll(fds, ctypes.c_ulong(1), LONG * 1000, text)
            seen.append((result, ctypes.get_errno()))
            time.sleep(LONG)
        except ThreadInterrupted:
            seen.append('raised')

    for _ in range(5):
        del seen[:]
        start = time.time()
        Running(call).result()
        assert time.time() - start < PROMPT
        assert seen in (['raised'], [(-1, errno.ECANCELED), 'raised']), seen


def semaphore_of_a_c_library():
    """A semaphore that no builtin is about is left alone, and its wait returns what it waits for."""
    semaphore = ctypes.create_string_buffer(32)
    assert libc.sem_init(semaphore, 0, 0) == 0
    seen = []

    def wait():
        try:
            seen.append(libc.sem_wait(semaphore))
            time.sleep(LONG)
        except ThreadInterrupted:
            seen.append('raised')

    waiter = Running(wait)
    assert ask('await', waiter.tid, 'sem_wait') == 'done'
    assert libc.interrupt_thread(waiter.tid) == 0
    time.sleep(0.05)
    assert seen == []
    assert libc.sem_post(semaphore) == 0
    waiter.result()
    assert seen == [0, 'raised'], seen


def masked_thread():
    """Nothing is raised while the thread masks it; it is when the mask is taken back."""
    seen = []
    ready = threading.Event()

    def run():
        libc.interrupt_mask(2)
        ready.set()
        try:
            deadline = time.time() + 0.2
            while time.time() < deadline:
                pass
            time.sleep(0.05)
            seen.append(libc.interrupt_pending())
            libc.interrupt_mask(0)
            time.sleep(LONG)
        except ThreadInterrupted:
            seen.append('raised')

    thread = Running(run)
    ready.wait()
    assert libc.interrupt_thread(thread.tid) == 0
    thread.result()
    assert seen == [1, 'raised'], seen


def only_in_blocking_calls():
    """Under the mask `on_blocking` a thread that computes is left alone, a wait is not."""
    seen = []
    ready = threading.Event()

    def run():
        libc.interrupt_mask(1)
        ready.set()
        try:
            deadline = time.time() + 0.2
            while time.time() < deadline:
                pass
            with threading.Lock():
                seen.append(libc.interrupt_pending())
            time.sleep(LONG)
        except ThreadInterrupted:
            seen.append('raised')

    thread = Running(run)
    ready.wait()
    assert libc.interrupt_thread(thread.tid) == 0
    thread.result()
    assert seen == [1, 'raised'], seen


if __name__ == '__main__':
    main({name: function for name, function in list(globals().items())
          if type(function) is type(main) and function.__module__ == '__main__' and not function.__code__.co_argcount})
