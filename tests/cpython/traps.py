"""Where CPython itself goes wrong when an exception leaves a wait."""
import threading
import time

from support import *


def join_does_not_end_the_thread():
    """On 3.9 to 3.12 an exception in Thread.join marks a running thread as ended."""
    go = threading.Event()
    running = threading.Thread(target=go.wait)
    running.start()
    call = 'thread_join' if version >= (3, 13) else 'sem_wait'
    for _ in range(3):
        Running(delivered_to, running.join, call).result()
        assert running.is_alive()
    delivered_to(running.join, call)
    assert running.is_alive()
    go.set()
    running.join()
    assert not running.is_alive()
    running.join()


def join_uses_no_cpu():
    """On 3.13 _ThreadHandle.join repeats an interrupted wait in a loop without end."""
    go = threading.Event()
    running = threading.Thread(target=go.wait, daemon=True)
    running.start()
    call = 'thread_join' if version >= (3, 13) else 'sem_wait'

    interrupted = []

    def twice():
        delivered_to(running.join, call)
        interrupted.append(True)
        before = time.clock_gettime(time.CLOCK_THREAD_CPUTIME_ID)
        running.join()
        return time.clock_gettime(time.CLOCK_THREAD_CPUTIME_ID) - before

    joiner = Running(twice)
    until(lambda: interrupted)
    assert ask('await', joiner.tid, call) == 'done'
    time.sleep(0.3)  # what would be used is used in this time
    go.set()
    used = joiner.result()
    assert used < 0.1, used


def join_of_many():
    """Joining threads that end, at once or later, with and without a time limit, is as ever."""
    for limit in (None, 0, 0.0, LONG):
        threads = [threading.Thread(target=time.sleep, args=(0.001 * (i % 3),)) for i in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join() if limit is None else thread.join(limit)
            if limit != 0:
                assert not thread.is_alive()
        for thread in threads:
            thread.join()
    thread = threading.Thread(target=time.sleep, args=(LONG,), daemon=True)
    for wrong in (thread.join, threading.current_thread().join):
        try:
            wrong()
        except RuntimeError:
            pass
        else:
            raise AssertionError('it could be joined')
    thread.start()
    start = time.time()
    for limit in (0.05, -1):
        thread.join(limit)
        assert thread.is_alive()
    assert 0.04 < time.time() - start < LONG / 4


def double_interrupt(condition):
    """The second request comes while the waiter re-takes the lock, which another thread holds."""
    seen = []
    real = condition._acquire_restore
    restoring = []

    def noted(state):
        restoring.append(True)
        real(state)
    condition._acquire_restore = noted

    def wait():
        try:
            with condition:
                try:
                    condition.wait()
                except ThreadInterrupted:
                    seen.append('wait')
                    raise
        except ThreadInterrupted:
            seen.append('with')
        try:
            time.sleep(LONG)
        except ThreadInterrupted:
            seen.append('sleep')
        with condition:
            seen.append('lock')

    for _ in range(20):
        del seen[:], restoring[:]
        waiter = Running(wait)
        assert ask('await', waiter.tid, 'sem_wait') == 'done'
        with condition:
            assert libc.interrupt_thread(waiter.tid) == 0
            until(lambda: restoring)
            assert ask('await', waiter.tid, 'sem_wait') == 'done'
            assert libc.interrupt_thread(waiter.tid) == 0
            time.sleep(0.005)
            assert seen == [], seen
        waiter.result()
        assert seen == ['wait', 'with', 'sleep', 'lock'], seen


def condition_of_rlock():
    double_interrupt(threading.Condition())


def condition_of_lock():
    double_interrupt(threading.Condition(threading.Lock()))


def shutdown_joins():
    """The interpreter's own end waits for threads as ever."""
    ended = []

    def late():
        time.sleep(0.2)
        ended.append(True)
    threading.Thread(target=late).start()
    import atexit
    atexit.register(lambda: os._exit(0 if ended else 1))


def control_c(ask_for_line, call):
    """Raises KeyboardInterrupt at once, and takes nothing from what is asked next."""
    import pty
    import signal
    import termios
    give_up_standard_descriptors()
    master, slave = pty.openpty()
    os.dup2(slave, 0)
    os.dup2(slave, 1)
    before = termios.tcgetattr(0)
    main_thread, main_tid = threading.main_thread(), gettid()

    def interrupt():
        await_blocked(main_tid, call)
        signal.pthread_kill(main_thread.ident, signal.SIGINT)
    for _ in range(3):
        interrupter = Running(interrupt)
        start = time.time()
        try:
            ask_for_line()
        except KeyboardInterrupt:
            assert time.time() - start < PROMPT
        else:
            raise AssertionError('it returned')
        interrupter.result()
        assert termios.tcgetattr(0) == before
        os.write(master, b'line\n')
        assert ask_for_line() == 'line'


def control_c_at_terminal():
    control_c(input, 'poll')


def control_c_with_readline():
    import readline
    control_c(lambda: input('line? '), 'select')


def names_of_threading():
    """Methods of Thread that must have their lock share their names with functions of programs."""
    lock = threading.Lock()
    lock.acquire()

    def _stop():
        lock.acquire()

    def _delete():
        with lock:
            pass
    for wait in (_stop, _delete):
        Running(delivered_to, wait, 'sem_wait').result()
        delivered_to(wait, 'sem_wait')


if __name__ == '__main__':
    main({function.__name__: function for function in (
        join_does_not_end_the_thread, join_uses_no_cpu, join_of_many, condition_of_rlock, condition_of_lock,
        shutdown_joins, control_c_at_terminal, control_c_with_readline, names_of_threading)})
