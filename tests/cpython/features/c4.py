"""is_interrupted(), clear_interrupt(), check_interrupt()."""
import libinterrupt
from feature import *

me = threading.current_thread()
with libinterrupt.mask('all'):
    assert not libinterrupt.is_interrupted() and not libinterrupt.is_interrupted(me)
    assert libinterrupt.clear_interrupt() is False
    assert libinterrupt.check_interrupt() is None
    libinterrupt.interrupt(me)
    assert libinterrupt.is_interrupted() is True and libinterrupt.is_interrupted(me) is True
    assert libinterrupt.is_interrupted(threading.get_ident()) and libinterrupt.is_interrupted(libc.gettid())
    assert libinterrupt.check_interrupt() is None, 'deferred'
    assert libinterrupt.clear_interrupt() is True
    assert not libinterrupt.is_interrupted() and libinterrupt.clear_interrupt() is False
time.sleep(0.01)

with libinterrupt.mask('on_blocking'):
    libinterrupt.interrupt(me)
    for _ in range(100000):
        pass
    assert libinterrupt.is_interrupted()
    try:
        libinterrupt.check_interrupt()
    except ThreadInterrupted:
        pass
    else:
        raise AssertionError('nothing was raised')
    assert not libinterrupt.is_interrupted() and libinterrupt.check_interrupt() is None

# Another thread's.
masked = threading.Event()
done = threading.Event()


def run():
    with libinterrupt.critical_section():
        masked.set()
        done.wait()
        libinterrupt.clear_interrupt()


worker = libinterrupt.InterruptibleThread(target=run)
worker.start()
masked.wait()
assert not worker.is_interrupted()
worker.interrupt()
assert worker.is_interrupted() and libinterrupt.is_interrupted(worker) and not libinterrupt.is_interrupted()
done.set()
worker.join()

# The descriptor that says the same to an event loop.
import select
with libinterrupt.critical_section():
    readable = lambda: select.select([libinterrupt.wakeup_fd()], [], [], 0)[0] != []
    assert not readable()
    libinterrupt.interrupt(me)
    assert readable()
    assert libinterrupt.clear_interrupt() and not readable()
