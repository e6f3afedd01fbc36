"""An exception that is on its way and is wanted back: by the thread's own call of the C API, or from outside."""
import errno
import select

from support import *

# Converting it for a C function takes tens of milliseconds, in C and with the GIL: the exception is queued meanwhile.
TEXT = 'x' * 20000000

with_gil = ctypes.PyDLL(None)


def ask_for_one():
    assert libc.interrupt_thread(gettid()) == 0


def nothing_comes():
    deadline = time.time() + 0.1
    while time.time() < deadline:
        pass
    with threading.Lock():
        time.sleep(0.001)


def it_comes(wait):
    start = time.time()
    try:
        wait()
    except ThreadInterrupted:
        assert time.time() - start < PROMPT
    else:
        raise AssertionError('nothing was raised')
    assert libc.interrupt_pending() == 0
    nothing_comes()


def compute():
    deadline = time.time() + LONG
    while time.time() < deadline:
        pass


def clear(library):
    for _ in range(5):
        ask_for_one()
        assert library.interrupt_clear(TEXT) == 1
        nothing_comes()
        assert libc.interrupt_pending() == 0 and libc.interrupt_clear() == 0
    ask_for_one()
    it_comes(compute)


def by_clear():
    clear(libc)


def by_clear_with_the_gil():
    clear(with_gil)


def by_clear_from_outside():
    line = ('clear %d\n' % gettid()).encode()
    ask_for_one()
    assert libc.write(1, line, len(line)) == len(line)  # not os.write: that would raise
    for size in (1, 30000000):  # the first is over before anything is queued, the second is C code that lasts
        sum(range(size))
    assert answer() == 'done'
    nothing_comes()
    assert libc.interrupt_pending() == 0
    ask_for_one()
    it_comes(compute)


def by_clear_of_what_is_owed():
    """A C library's wait has ended for it; it was to be raised after that."""
    library = ctypes.CDLL(None, use_errno=True)
    fds = (ctypes.c_int * 2)(os.pipe()[0], select.POLLIN)
    ask_for_one()
    result = library.poll(ctypes.byref(fds), ctypes.c_ulong(1), LONG * 1000)
    assert libc.interrupt_clear() == 1
    assert (result, ctypes.get_errno()) == (-1, errno.ECANCELED)
    nothing_comes()


def mask(library, mode):
    for wait in (compute, lambda: time.sleep(LONG), compute):
        ask_for_one()
        assert library.interrupt_mask(mode, TEXT) == 0
        if mode == 2:
            nothing_comes()
        else:
            deadline = time.time() + 0.1
            while time.time() < deadline:
                pass
        assert libc.interrupt_pending() == 1
        assert libc.interrupt_mask(0) == mode
        it_comes(wait)


def by_mask():
    mask(libc, 2)


def by_mask_with_the_gil():
    mask(with_gil, 2)


def by_mask_for_computing():
    mask(libc, 1)
    ask_for_one()
    assert libc.interrupt_mask(1, TEXT) == 0
    it_comes(lambda: time.sleep(LONG))


if __name__ == '__main__':
    main({name: function for name, function in list(globals().items()) if name.startswith('by_')})
