"""A C library that blocks: its call fails with ECANCELED, then the exception is raised. A semaphore of its own is left
alone."""
import errno

from feature import *

library = ctypes.CDLL(None, use_errno=True)
seen = []


def poll():
    result = library.poll(None, 0, END * 1000)
    seen.append((result, ctypes.get_errno()))


check_all_interrupted([Waiting('poll', poll)])
assert seen == [(-1, errno.ECANCELED)], seen

del seen[:]
semaphore = ctypes.create_string_buffer(32)
assert libc.sem_init(semaphore, 0, 0) == 0


def wait_for_semaphore():
    seen.append(libc.sem_wait(semaphore))
    time.sleep(LONG)


waiting = Waiting('sem_wait', wait_for_semaphore)
interrupt(waiting.thread)
await_blocked(waiting.tid)
assert seen == []
assert libc.sem_post(semaphore) == 0
assert waiting.check(time.time()) is None
assert seen == [0]
