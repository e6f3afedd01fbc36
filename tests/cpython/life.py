"""Threads, processes and interpreters that begin and fork while they are interrupted."""
import multiprocessing
import signal
import subprocess
import tempfile
import threading
import time
import warnings
import zipfile

from support import *


def tasks():
    return {int(tid) for tid in os.listdir('/proc/self/task')}


def starting_threads():
    """Thread.start() never waits for a thread that was interrupted too early, and threading.enumerate() knows who lives."""
    done = []
    count = {'ran': 0, 'interrupted': 0}
    main = gettid()
    attackers = {main}

    def attack():
        attackers.add(gettid())
        while not done:
            for tid in tasks() - attackers:
                libc.interrupt_thread(tid)

    def run():
        count['ran'] += 1
        try:
            time.sleep(0.0005)
        except ThreadInterrupted:
            count['interrupted'] += 1

    attacker = Running(attack)
    silence = open(os.devnull, 'w')
    stderr, sys.stderr = sys.stderr, silence  # of those that are interrupted later on
    for _ in range(400):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join(PROMPT)
        assert not thread.is_alive()
    done.append(True)
    attacker.result()
    sys.stderr = stderr
    assert count['ran'] == 400 and count['interrupted'] > 40, count
    assert threading.enumerate() == [threading.main_thread()], threading.enumerate()


def fork_warnings():
    """os.fork() warns of other threads exactly when there are some."""
    def warned():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            child = os.fork()
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)
        return [warning.category for warning in caught]
    alone = warned()
    go = threading.Event()
    other = Running(go.wait)
    together = warned()
    go.set()
    other.result()
    assert alone == [], alone
    assert together == ([DeprecationWarning] if version >= (3, 12) else []), together


def fork_while_pending():
    """What is pending, or on its way, is the parent's alone; the child starts clean and can be interrupted."""
    for mask in (2, 0):
        assert libc.interrupt_mask(mask) in (0, 2)
        if mask:
            assert libc.interrupt_thread(gettid()) == 0
        child = os.fork()
        if child == 0:
            status = 1
            try:
                assert libc.interrupt_pending() == 0
                libc.interrupt_mask(0)
                assert libc.interrupt_thread(gettid()) == 0
                try:
                    time.sleep(LONG)
                except ThreadInterrupted:
                    status = 5
            finally:
                os._exit(status)
        if mask:
            assert libc.interrupt_pending() == 1 and libc.interrupt_clear() == 1
        assert os.waitpid(child, 0)[1] == 5 << 8


def fork_and_interrupt_oneself():
    """In the child the module works before anything has waited there."""
    import libinterrupt
    child = os.fork()
    if child == 0:
        try:
            libinterrupt.interrupt(threading.get_ident(), exception=KeyError)
            time.sleep(LONG)
        except KeyError:
            os._exit(5)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 5 << 8


def fork_in_a_worker():
    """The thread that forked is its child's main thread."""
    def fork():
        child = os.fork()
        if child == 0:
            status = 1
            try:
                signal.signal(signal.SIGALRM, lambda *_: None)
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                start = time.time()
                time.sleep(0.2)  # to its full time: the handler does not raise
                assert 0.19 < time.time() - start < LONG
                libc.interrupt_thread(gettid())
                try:
                    threading.Event().wait()
                except ThreadInterrupted:
                    status = 5
            finally:
                os._exit(status)
        return os.waitpid(child, 0)[1]
    assert Running(fork).result() == 5 << 8


def signal_in_another_thread():
    """Wherever the kernel delivers a signal of the process, the main thread leaves its wait for the handler."""
    for _ in range(40):
        ready = []

        def send():
            until(lambda: ready)
            time.sleep(0.005)
            os.kill(os.getpid(), signal.SIGINT)
        sender = threading.Thread(target=send)
        sender.start()
        start = time.time()
        try:
            ready.append(True)
            time.sleep(LONG)
        except KeyboardInterrupt:
            pass
        assert time.time() - start < PROMPT
        sender.join()


def signal_beside_an_eventfd():
    """os.eventfd_read fails where a signal interrupts it: one that another thread has taken does not."""
    if not hasattr(os, 'eventfd'):
        skip('this version has no os.eventfd')
    handled = []
    counter = os.eventfd(0)
    main = gettid()
    signal.signal(signal.SIGUSR1, lambda *_: handled.append(True))

    def send():
        await_blocked(main, 'eventfd_read')
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        time.sleep(0.1)
        os.eventfd_write(counter, 7)
    sender = Running(send)
    assert os.eventfd_read(counter) == 7
    until(lambda: handled)
    sender.result()


def futex_of_a_c_library():
    """A futex of foreign code is left alone: libstdc++ ends the program for another error than EINTR."""
    word = ctypes.c_uint32(0)
    shared = ctypes.CDLL(None, use_errno=True)
    returned = []

    def work():
        returned.append(shared.syscall(202, ctypes.byref(word), 128, 0, None))
        while True:
            pass
    worker = Running(work)
    await_blocked(worker.tid, 'syscall')
    libc.interrupt_thread(worker.tid)
    time.sleep(0.05)
    assert not returned
    word.value = 1
    assert shared.syscall(202, ctypes.byref(word), 129, 1) == 1
    try:
        worker.result()
    except ThreadInterrupted:
        pass
    assert returned == [0]


def fork_in_a_handler():
    """A signal handler forks while lock.acquire() waits, and leaves the wait in the child: that has no record yet."""
    class Forked(Exception):
        pass

    def fork(*_):
        child.append(os.fork())
        if child[-1] == 0:
            raise Forked
    child = []
    lock = threading.Lock()
    lock.acquire()
    signal.signal(signal.SIGALRM, fork)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        assert not lock.acquire(True, 0.5)
    except Forked:
        os._exit(7)
    assert os.waitpid(child[0], 0)[1] == 7 << 8


def stand_in_for_a_module():
    """What sys.modules has by the time of the first blocking call need not be a module."""
    if version >= (3, 8):
        skip('later versions open their first file before any program can run')
    library = os.path.dirname(os.__file__)
    with tempfile.TemporaryDirectory() as directory:
        packed = os.path.join(directory, 'library.zip')
        with zipfile.ZipFile(packed, 'w') as archive:
            for name in os.listdir(library):
                if name.endswith('.py'):
                    archive.write(os.path.join(library, name), name)
            for package in ('encodings', 'collections', 'importlib'):
                for name in os.listdir(os.path.join(library, package)):
                    if name.endswith('.py'):
                        archive.write(os.path.join(library, package, name), package + '/' + name)
        program = os.path.join(directory, 'program.py')
        with open(program, 'w') as file:
            file.write('import sys; sys.modules["select"] = None; print("goes on", flush=True)')
        environment = dict(os.environ, PYTHONHOME=directory, PYTHONPATH=packed)
        assert subprocess.check_output([sys.executable, program], env=environment) == b'goes on\n'


def sleeper(told):
    try:
        told.send(gettid())
        time.sleep(LONG)
    except ThreadInterrupted:
        sys.exit(5)


def child_process(method):
    context = multiprocessing.get_context(method)
    ours, theirs = context.Pipe(False)
    process = context.Process(target=sleeper, args=(theirs,))
    process.start()
    request(ours.recv(), SLEEP)
    assert answer() == 'done'
    process.join(PROMPT)
    assert process.exitcode == 5, process.exitcode


def process_by_fork():
    child_process('fork')


def process_by_forkserver():
    child_process('forkserver')


def process_by_spawn():
    child_process('spawn')


def interpreter_with_its_own_gil():
    """Trampolines pass through there; requests for its thread do no harm; the main interpreter is as before."""
    try:
        if version >= (3, 13):
            import _interpreters as interpreters
            create, run = (lambda: interpreters.create('isolated')), interpreters.run_string
        elif version >= (3, 12):
            import _xxsubinterpreters as interpreters
            create, run = (lambda: interpreters.create(isolated=True)), interpreters.run_string
        else:
            skip('an interpreter has its own lock since 3.12')
    except ImportError:
        skip('no module for sub-interpreters')
    reading, writing = os.pipe()
    program = """if True:
        import os, time
        os.write(%d, b'ready')
        end = time.monotonic() + 0.3
        caught = 0
        while time.monotonic() < end:
            try:
                time.sleep(0.001)
            except OSError as error:
                assert error.errno == 125, error  # ECANCELED
                caught += 1
        os.write(%d, b'done')
    """ % (writing, writing)
    state = {}

    def work():
        state['tid'] = gettid()
        run(create(), program)
    worker = Running(work)
    assert os.read(reading, 5) == b'ready'
    for _ in range(20):
        assert libc.interrupt_thread(state['tid']) == 0
        libc.usleep(1000)
    assert os.read(reading, 4) == b'done'
    try:
        worker.result()
    except ThreadInterrupted:
        pass  # what was still pending when the thread came back to the main interpreter
    delivered_to(lambda: time.sleep(LONG), SLEEP)
    Running(delivered_to, lambda: time.sleep(LONG), SLEEP).result()


if __name__ == '__main__':
    main({function.__name__: function for function in (
        starting_threads, fork_warnings, fork_while_pending, fork_in_a_worker, futex_of_a_c_library,
        fork_and_interrupt_oneself, signal_in_another_thread, fork_in_a_handler, stand_in_for_a_module,
        signal_beside_an_eventfd,
        process_by_fork, process_by_forkserver, process_by_spawn, interpreter_with_its_own_gil)})
