"""Outcomes other than the default."""
import errno
import select
import socket
import threading
import time

from support import *


def ended_by(wait, call, outcome):
    """What `wait` returns or raises when it is interrupted like that."""
    def run():
        request(gettid(), call, outcome)
        try:
            result = wait()
        except Exception as error:
            result = error
        assert answer() == 'done'
        return result
    start = time.time()
    result = Running(run).result()
    assert time.time() - start < PROMPT
    return result


def is_os_error(error, number):
    return type(error) is type(OSError(number, '')) and error.errno == number and error.strerror == os.strerror(number)


def error_in_recv():
    ours, theirs = socket.socketpair()
    assert is_os_error(ended_by(lambda: ours.recv(1), 'recv', 'errno:ECONNRESET'), errno.ECONNRESET)
    # One that PEP 475 would repeat, and one that means that a non-blocking call found nothing.
    assert is_os_error(ended_by(lambda: ours.recv(1), 'recv', 'errno:EINTR'), errno.EINTR)
    assert is_os_error(ended_by(lambda: ours.recv(1), 'recv', 'errno:EAGAIN'), errno.EAGAIN)


def error_in_sleep():
    assert is_os_error(ended_by(lambda: time.sleep(LONG), SLEEP, 'errno:EIO'), errno.EIO)


def error_in_lock():
    lock = taken_lock()
    assert is_os_error(ended_by(lock.acquire, 'sem_wait', 'errno:EDEADLK'), errno.EDEADLK)
    assert is_os_error(ended_by(lambda: lock.acquire(timeout=LONG), TIMED_LOCK, 'errno:EDEADLK'), errno.EDEADLK)
    assert lock.locked()
    lock.release()
    assert lock.acquire(False)


class Chosen(Exception):
    class Inner(KeyError):
        def __init__(self, needed):
            self.needed = needed


def spin():
    number = 0
    while True:
        number += 1


def raised_by(wait, call, outcome):
    try:
        error = ended_by(wait, call, outcome)
    except ThreadInterrupted as interrupted:
        error = interrupted
    assert isinstance(error, ThreadInterrupted), error
    return error


def chosen_classes():
    """Raised where the thread waits and between two bytecodes, and caught by the class's name and by ours."""
    for wait, call in ((lambda: time.sleep(LONG), SLEEP), (taken_lock().acquire, 'sem_wait'), (spin, '-')):
        for name, chosen in (('__main__.Chosen', Chosen), ('__main__.Chosen.Inner', Chosen.Inner),
                             ('TimeoutError', TimeoutError), ('builtins.SystemExit', SystemExit)):
            error = raised_by(wait, call, 'exception:' + name)
            assert isinstance(error, chosen), (error, name)
            assert error.__context__ is None and not getattr(error, 'args', ()), error
            assert type(error).__name__ == chosen.__name__ and type(error).__module__ == chosen.__module__
        assert type(raised_by(wait, call, 'default')) is ThreadInterrupted


def class_that_is_defined_again():
    import libinterrupt
    for _ in range(2):
        class Again(Exception):
            pass
        globals()['Again'] = Again
        Again.__qualname__ = 'Again'
        thread = Running(time.sleep, LONG)
        until(lambda: thread.tid)
        libinterrupt.interrupt(thread.thread, exception=Again)
        try:
            thread.result()
        except Again as error:
            assert isinstance(error, ThreadInterrupted)
        else:
            raise AssertionError('nothing was raised')


def chosen_class_through_a_generator():
    """A trampoline in the generator's `finally` meets the exception that is on its way through the loop."""
    lock = threading.Lock()

    def numbers():
        try:
            while True:
                yield from range(1000)
        finally:
            with lock:
                pass

    def loop():
        for _ in numbers():
            pass
    for _ in range(10):
        assert isinstance(raised_by(loop, '-', 'exception:__main__.Chosen'), Chosen)


def class_that_is_not_there():
    for name in ('no.such.Class', '__main__.nothing', '__main__.spin', 'os.path'):
        for wait, call in ((lambda: time.sleep(LONG), SLEEP), (spin, '-')):
            error = raised_by(wait, call, 'exception:' + name)
            assert type(error) is ThreadInterrupted and name in str(error), error


def plain_signal():
    """The handler runs in the main thread at once, wherever that waits, and the wait goes on if it does not raise."""
    import signal
    runs = []
    signal.signal(signal.SIGUSR1, lambda *_: runs.append(time.time()))
    main = gettid()
    ours, theirs = socket.socketpair()

    def interrupt():
        assert ask('follow', main, 'recv', 'signal:SIGUSR1') == 'done'
        until(lambda: runs)
        await_blocked(main, 'recv')
        theirs.send(b'x')
    other = Running(interrupt)
    assert ours.recv(1) == b'x'
    other.result()
    assert len(runs) == 1


def error_in_waitpid():
    import subprocess
    child = subprocess.Popen(['sleep', str(LONG)])
    assert is_os_error(ended_by(lambda: os.waitpid(child.pid, 0), 'waitpid', 'errno:ECHILD'), errno.ECHILD)
    child.kill()
    child.wait()


def timeout_of_lock():
    lock = taken_lock()
    assert ended_by(lambda: lock.acquire(timeout=LONG), TIMED_LOCK, 'timeout') is False


def timeout_of_sleep():
    assert ended_by(lambda: time.sleep(LONG), SLEEP, 'timeout') is None


def timeout_of_socket():
    ours, theirs = socket.socketpair()
    ours.settimeout(LONG)
    assert type(ended_by(lambda: ours.recv(1), 'poll', 'timeout')) is socket.timeout


def timeout_of_select():
    reading, writing = os.pipe()
    assert ended_by(lambda: select.select([reading], [], [], LONG), 'select', 'timeout') == ([], [], [])
    poller = select.poll()
    poller.register(reading, select.POLLIN)
    assert ended_by(lambda: poller.poll(LONG * 1000), 'poll', 'timeout') == []


def end_of_file_in_recv():
    ours, theirs = socket.socketpair()
    assert ended_by(lambda: ours.recv(100), 'recv', 'eof') == b''
    theirs.send(b'data')
    assert ours.recv(100) == b'data'


def end_of_file_in_read():
    reading, writing = os.pipe()
    assert ended_by(lambda: os.read(reading, 100), 'read', 'eof') == b''
    file = open(reading, 'r')
    assert ended_by(file.readline, 'read', 'eof') == ''


def error_in_a_library():
    """Which tries again: the error asked for comes all the same, and the connection is as before."""
    import waits_libraries
    ours, theirs = waits_libraries.tls()
    for limit, call in ((None, 'read'), (LONG, 'poll')):
        ours.settimeout(limit)
        assert is_os_error(ended_by(lambda: ours.recv(1), call, 'errno:ECONNRESET'), errno.ECONNRESET)
        assert is_os_error(ended_by(lambda: ours.recv(1), call, 'errno:EINTR'), errno.EINTR)
    theirs.send(b'data')
    assert ours.recv(100) == b'data'

    class Database(object):
        pass
    database = Database()
    waits_libraries.database(database)
    insert = lambda: database.ours.execute(waits_libraries.INSERT)
    assert is_os_error(ended_by(insert, 'usleep', 'errno:EIO'), errno.EIO)
    database.end()
    insert()
    assert database.check(None)


def timeout_of_ssl():
    import waits_libraries
    ours, theirs = waits_libraries.tls()
    ours.settimeout(LONG)
    assert type(ended_by(lambda: ours.recv(1), 'poll', 'timeout')) is socket.timeout


def constructor_of_a_file():
    """FileIO's is a slot of its type, which no trampoline reaches: OSError, and then the exception."""
    import io
    import tempfile
    directory = tempfile.mkdtemp()
    path = os.path.join(directory, 'fifo')
    os.mkfifo(path)
    seen = []

    def open_it():
        tell('follow', gettid(), 'open', 'default')
        try:
            try:
                io.FileIO(path)
            except OSError as error:
                seen.append(error.errno)
            time.sleep(LONG)
        except ThreadInterrupted:
            seen.append('raised')
        assert answer() == 'done'
    start = time.time()
    Running(open_it).result()
    assert time.time() - start < PROMPT
    os.unlink(path)
    os.rmdir(directory)
    assert seen == [errno.ECANCELED, 'raised'], seen


def outcome_waits_for_its_wait():
    """An error outcome does not meet a thread that computes, nor a lock that is free: it acts at the next wait."""
    class Request(ctypes.Structure):
        _fields_ = [('outcome', ctypes.c_int), ('error', ctypes.c_int)]
    assert libc.interrupt_thread_as(gettid(), ctypes.byref(Request(2, errno.EIO))) == 0
    lock = threading.Lock()
    with lock:
        sum(range(1000000))
    try:
        time.sleep(LONG)
    except OSError as error:
        assert is_os_error(error, errno.EIO)
    else:
        raise AssertionError('it slept')


if __name__ == '__main__':
    main({name: function for name, function in list(globals().items())
          if type(function) is type(main) and function.__module__ == '__main__' and not function.__code__.co_argcount})
