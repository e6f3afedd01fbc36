"""What the scripts beside this one share. Each runs one case in an unmodified CPython under the shim, as the driver
(cpython_test.cpp) starts it; the driver answers requests that are printed, with the real command line:

    interrupt TID CALL OUTCOME    waits until the thread is blocked in CALL ("-": at once), then interrupts it there
    follow TID CALL OUTCOME       the same for a request that is delivered later than in CALL
    await TID CALL                waits until the thread is blocked in CALL
    clear TID                     takes back what is pending for the thread
    hammer PID                    interrupts all threads of that process a few times, whatever comes of it

and writes one line back for each. The case has passed if the script ends with status 0; 77: not on this version.
"""
import ctypes
import os
import sys
import threading
import time

under_shim = 'libinterrupt' in os.environ.get('LD_PRELOAD', '')
if under_shim:
    from libinterrupt import ThreadInterrupted
else:
    class ThreadInterrupted(BaseException):
        pass

libc = ctypes.CDLL(None)
version = sys.version_info[:2]

# A wait that nobody ends would take this long, in seconds; one that was interrupted must be over by `prompt`.
LONG = 120
PROMPT = 20

# The libc calls that differ from version to version.
SLEEP = 'clock_nanosleep' if version >= (3, 11) else 'select'
TIMED_LOCK = 'sem_clockwait' if version >= (3, 9) else 'sem_timedwait'


def gettid():
    return libc.gettid()


def skip(reason):
    print(reason)
    sys.stdout.flush()
    os._exit(77)


# The driver's ends; a case that needs descriptors 0 and 1 for something else moves them.
driver = [0, 1]


def give_up_standard_descriptors():
    if driver == [0, 1]:
        driver[:] = os.dup(0), os.dup(1)


def tell(*words):
    os.write(driver[1], (' '.join(str(word) for word in words) + '\n').encode())


def answer():
    line = b''
    while not line.endswith(b'\n'):
        byte = os.read(driver[0], 1)
        assert byte, 'the driver has gone'
        line += byte
    return line.decode().strip()


def ask(*words):
    tell(*words)
    return answer()


def request(tid, call='-', outcome='default'):
    tell('interrupt', tid, call, outcome)


def await_blocked(tid, call):
    """Until that thread waits in `call`. Without the shim nobody can tell."""
    if under_shim:
        assert ask('await', tid, call) == 'done'
    else:
        time.sleep(0.1)


class Running(object):
    """A function running in a thread of its own; its outcome is raised or returned by result()."""

    def __init__(self, function, *arguments):
        self.tid = None
        self.value = self.error = None
        started = threading.Event()

        def run():
            self.tid = gettid()
            started.set()
            try:
                self.value = function(*arguments)
            except BaseException as error:
                self.error = error

        self.thread = threading.Thread(target=run)
        self.thread.daemon = True
        self.thread.start()
        started.wait()

    def result(self):
        self.thread.join(LONG)
        assert not self.thread.is_alive(), 'the thread is still there'
        if self.error is not None:
            raise self.error
        return self.value


def until(condition, limit=LONG):
    deadline = time.time() + limit
    while not condition():
        assert time.time() < deadline, 'it did not come about'
        time.sleep(0.001)


def delivered_to(wait, call, limit=PROMPT, exact=True):
    """Runs `wait` in this thread, has it interrupted from the command line in `call`, and checks that it ends at once."""
    tell('interrupt' if exact else 'follow', gettid(), call, 'default')
    start = time.time()
    finally_ran = False
    result = None
    try:
        try:
            result = wait()
        finally:
            finally_ran = True
    except ThreadInterrupted as interrupted:
        assert finally_ran
        assert time.time() - start < limit, 'it took %.1f s' % (time.time() - start)
        assert interrupted.__context__ is None, repr(interrupted.__context__)
        assert interrupted.args == ()
    else:
        raise AssertionError('it returned %r' % (result,))
    assert answer() == 'done'


def main(cases):
    """Runs the case that the command line names; `--list` prints them all."""
    if sys.argv[1] == '--list':
        print('\n'.join(sorted(cases)))
        return
    cases[sys.argv[1]]()
    sys.stdout.flush()
    sys.stderr.flush()


def taken_lock():
    lock = threading.Lock()
    lock.acquire()
    return lock
