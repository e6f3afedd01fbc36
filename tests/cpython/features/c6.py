"""critical_section() and interrupts_disabled(): deferred, raised exactly once when the outermost one is left."""
import random
import signal
import socket

import libinterrupt
from feature import *

reached = []
ours, theirs = socket.socketpair()


def protected(section):
    with section():
        reached.append('outer')
        with libinterrupt.critical_section():
            with section():
                libinterrupt.interrupt(threading.get_ident())
                libinterrupt.interrupt(threading.get_ident())
                time.sleep(0.02)
                theirs.send(b'x')
                assert ours.recv(1) == b'x'
            for _ in range(100000):
                pass
            reached.append('inner')
        reached.append('end')
    reached.append('never')


for section in (libinterrupt.critical_section, libinterrupt.interrupts_disabled, lambda: libinterrupt.mask('all')):
    del reached[:]
    try:
        protected(section)
    except ThreadInterrupted as error:
        assert error.__context__ is None
        reached.append('raised')
    for _ in range(100000):
        pass
    time.sleep(0.01)
    assert reached == ['outer', 'inner', 'end', 'raised'], reached

# One object, used again and nested; as a decorator; left by an exception.
section = libinterrupt.critical_section()
for _ in range(2):
    try:
        with section:
            with section:
                libinterrupt.interrupt(threading.get_ident())
            assert libinterrupt.is_interrupted()
        raise AssertionError('nothing was raised')
    except ThreadInterrupted:
        pass


@section
def decorated(value):
    """Text."""
    libinterrupt.interrupt(threading.get_ident())
    reached.append(value)


try:
    decorated('decorated')
    raise AssertionError('nothing was raised')
except ThreadInterrupted:
    assert reached[-1] == 'decorated' and decorated.__doc__ == 'Text.'

try:
    with section:
        libinterrupt.interrupt(threading.get_ident())
        raise KeyError
except ThreadInterrupted as error:
    assert isinstance(error.__context__, KeyError)

# Inside, one part that may be interrupted; and a mode that lets waits be interrupted alone.
with section:
    try:
        with libinterrupt.mask('none'):
            libinterrupt.interrupt(threading.get_ident())
            time.sleep(LONG)
    except ThreadInterrupted:
        pass
    libinterrupt.interrupt(threading.get_ident())
    try:
        with libinterrupt.mask('none'):
            raise AssertionError('it is raised when the mask is set')
    except ThreadInterrupted:
        pass
    libinterrupt.interrupt(threading.get_ident())
    try:
        with libinterrupt.mask('on_blocking'):
            reached.append('computing')
            time.sleep(LONG)
    except ThreadInterrupted:
        assert reached[-1] == 'computing'
    libinterrupt.interrupt(threading.get_ident())
    assert libinterrupt.clear_interrupt()
time.sleep(0.01)


# A signal handler that raises, as Ctrl-C's does, leaves no thread deferring for ever. Before 3.11 it can come between the
# end of the block and the call of __exit__, whatever that is.
class Alarm(Exception):
    pass


def raise_alarm(number, frame):
    raise Alarm


def until_alarm():
    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 2e-4))
    while True:
        with section:
            pass


if sys.version_info >= (3, 11):
    signal.signal(signal.SIGALRM, raise_alarm)
    for _ in range(2000):
        try:
            until_alarm()
        except Alarm:
            with section as before:
                assert before == 0, 'it was left deferring'
