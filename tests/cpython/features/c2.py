"""ThreadInterrupted, or a class that the requester chooses, which both `except` clauses catch."""
import libinterrupt
from feature import *


class Chosen(Exception):
    pass


def caught_as(kind, wait, **keywords):
    caught = []

    def run():
        try:
            wait()
        except kind as error:
            caught.append(error)
    waiting = Waiting('wait', run)
    libinterrupt.interrupt(waiting.thread, **keywords)
    waiting.thread.join(LONG)
    assert len(caught) == 1, caught
    return caught[0]


def sleep():
    time.sleep(LONG)


def wait_for_event():
    threading.Event().wait()


assert issubclass(ThreadInterrupted, BaseException) and not issubclass(ThreadInterrupted, Exception)
for wait in (sleep, wait_for_event):
    assert type(caught_as(ThreadInterrupted, wait)) is ThreadInterrupted
    for chosen in (Chosen, TimeoutError, KeyboardInterrupt, SystemExit):
        for kind in (chosen, ThreadInterrupted, BaseException):
            error = caught_as(kind, wait, exception=chosen)
            assert isinstance(error, chosen) and isinstance(error, ThreadInterrupted), type(error)
    assert isinstance(caught_as(Exception, wait, exception=Chosen), Chosen)

for refused in (Chosen(), 'Chosen', int, UnicodeDecodeError):
    try:
        libinterrupt.interrupt(threading.get_ident(), exception=refused)
    except TypeError as error:
        assert 'class' in str(error) or 'without arguments' in str(error), error
    else:
        raise AssertionError('nothing was raised')
assert not libinterrupt.is_interrupted()
