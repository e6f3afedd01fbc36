"""What the process looks like from outside, how it starts and ends, and threads that compute."""
import sys

early = 'libinterrupt' in sys.modules
from time import sleep as captured_early

import gc
import os
import threading
import time

from support import *


def threads():
    return len(os.listdir('/proc/self/task'))


def descriptors():
    return sorted(os.listdir('/proc/self/fd'))


def imported_only_when_asked():
    assert not early


def one_thread_and_no_descriptor():
    before = descriptors()
    assert before == ['0', '1', '2', '3'], before  # 3: the listing itself
    delivered_to(lambda: time.sleep(LONG), SLEEP)
    delivered_to(compute, '-')
    assert threads() == 1
    assert descriptors() == before


def compute():
    number = 0
    while True:
        number += 1


def compute_in_main_alone():
    delivered_to(compute, '-')
    assert threads() == 1


def compute_while_main_waits():
    Running(delivered_to, compute, '-').result()


def compute_in_all_threads():
    done = []

    def until_done():
        while not done:
            pass
    others = [Running(until_done) for _ in range(2)]
    Running(delivered_to, compute, '-').result()
    done.append(True)
    for other in others:
        other.result()


def sorting(until=()):
    items = list(range(2000))
    while not until:
        sorted(items, key=str)


def compute_in_c():
    """Code that spends its time in C functions called from bytecode."""
    delivered_to(sorting, '-')


def compute_in_c_at_once():
    """Every time: it does not depend on where in the C functions the thread is met."""
    for _ in range(12):
        delivered_to(sorting, '-', limit=3)


def compute_in_c_in_all_threads():
    """Each of them at once, and all of them together."""
    done = []
    caught = []

    def run():
        while not done:
            try:
                sorting(done)
            except ThreadInterrupted:
                caught.append(gettid())
    workers = [Running(run) for _ in range(3)]
    for number in range(1, 11):
        for worker in workers:
            assert libc.interrupt_thread(worker.tid) == 0
        until(lambda: len(caught) == 3 * number, PROMPT)
        assert sorted(caught) == sorted(number * [worker.tid for worker in workers])
    done.append(True)
    for worker in workers:
        worker.result()


def native_threads():
    """A thread that Python knows nothing of gets no nudge while it computes: it could do nothing but disturb."""
    native = ctypes.CDLL(os.environ['NATIVE_THREAD'])
    assert native.start_native_thread() == 0
    until(lambda: native.native_waits() > 10)
    enough = native.native_waits() + 500
    requests = 0
    while native.native_waits() < enough:
        assert libc.interrupt_thread(native.native_tid()) == 0
        requests += 1
    assert requests > 100
    assert native.native_strays() == 0, native.native_strays()
    delivered_to(compute, '-')


def captured_references():
    acquire = threading.Lock().acquire
    acquire()
    delivered_to(lambda: captured_early(LONG), SLEEP)
    delivered_to(acquire, 'sem_wait')


def instances_made_by_hand():
    """Instantiating the class neither delivers nor loses what is on its way."""
    done = []
    caught = []

    def make_some():  # a function: on 3.13.0 an exception at a loop's end can miss a `try` around just that loop
        while not done:
            ThreadInterrupted('by hand')

    def make():
        while not done:
            try:
                make_some()
            except ThreadInterrupted as error:
                assert error.args == ()
                caught.append(error)

    maker = Running(make)
    for number in range(1, 51):
        assert libc.interrupt_thread(maker.tid) == 0
        until(lambda: len(caught) >= number, PROMPT)
        assert len(caught) == number
    done.append(True)
    maker.result()
    assert len(caught) == 50


def class_is_as_documented():
    import libinterrupt
    import pickle
    assert issubclass(ThreadInterrupted, BaseException) and not issubclass(ThreadInterrupted, Exception)
    assert ThreadInterrupted.__module__ == 'libinterrupt' and ThreadInterrupted.__name__ == 'ThreadInterrupted'
    assert libinterrupt.__name__ == 'libinterrupt' and libinterrupt.__doc__ and ThreadInterrupted.__doc__
    assert isinstance(pickle.loads(pickle.dumps(ThreadInterrupted('text'))), ThreadInterrupted)
    assert str(ThreadInterrupted('text')) == 'text'
    try:
        raise ThreadInterrupted
    except ThreadInterrupted as error:
        assert error.args == ()
    import importlib.util
    assert importlib.reload(libinterrupt).ThreadInterrupted is ThreadInterrupted
    assert importlib.util.find_spec('libinterrupt').origin == 'frozen'
    try:
        import libinterrupt.native
    except ImportError:
        pass
    else:
        raise AssertionError('libinterrupt has submodules')


def uncaught_in_a_worker():
    """The thread ends as by any exception, and says so on stderr."""
    thread = threading.Thread(target=time.sleep, args=(LONG,))
    tids = set(os.listdir('/proc/self/task'))
    thread.start()
    tid, = set(os.listdir('/proc/self/task')) - tids
    assert ask('await', tid, SLEEP) == 'done'
    assert libc.interrupt_thread(int(tid)) == 0
    thread.join()
    assert not thread.is_alive()


def forked_child():
    """A request of the parent's is not the child's, and the child can be interrupted like anyone."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, str(gettid()).encode())
            try:
                time.sleep(LONG)
            except ThreadInterrupted:
                os._exit(5)
        finally:
            os._exit(1)
    assert int(os.read(reading, 20)) == child
    request(child, SLEEP)
    assert answer() == 'done'
    assert os.waitpid(child, 0)[1] == 5 << 8


def traced_and_profiled():
    """The adapter leaves no flag behind by which the bytecode loop would look for exceptions for ever (3.11)."""
    calls = []

    def traced():
        number = 0
        for _ in range(10):
            number += 1
        return number
    for set_function in (sys.settrace, sys.setprofile):
        set_function(lambda frame, event, argument: calls.append(event))
        traced()
        set_function(None)
        assert 'call' in calls
        del calls[:]
    # The same after an exception that was on its way and has been taken back.
    with_gil = ctypes.PyDLL(None)
    text = 'x' * 20000000  # converting it takes long, and the exception is queued meanwhile
    assert libc.interrupt_thread(gettid()) == 0
    assert with_gil.interrupt_clear(text) == 1
    threading.Lock().acquire()
    sys.settrace(lambda frame, event, argument: calls.append(event))
    traced()
    sys.settrace(None)
    assert 'call' in calls


def garbage_is_collected():
    delivered_to(lambda: time.sleep(LONG), SLEEP)
    gc.collect()
    assert not gc.garbage


def sub_interpreter():
    """Builtins and imports work there as ever, and the main interpreter is as before afterwards."""
    try:
        import _testcapi
        run = _testcapi.run_in_subinterp
    except (ImportError, AttributeError):
        skip('no _testcapi')
    result, told = os.pipe()
    program = """if True:
        import os, select, socket, threading, time
        with threading.Lock():
            time.sleep(0.01)
        thread = threading.Thread(target=time.sleep, args=(0.05,))
        thread.start()
        thread.join()
        reading, writing = os.pipe()
        os.write(writing, b'x')
        assert select.select([reading], [], [], 10)[0] and os.read(reading, 1) == b'x'
        try:
            import libinterrupt
        except ImportError:
            os.write(%d, b'well')
    """ % told
    assert run(program) == 0
    assert os.read(result, 10) == b'well'
    delivered_to(lambda: time.sleep(LONG), SLEEP)
    Running(delivered_to, compute, '-').result()


if __name__ == '__main__':
    main({function.__name__: function for function in (
        imported_only_when_asked, one_thread_and_no_descriptor, compute_in_main_alone, compute_while_main_waits,
        compute_in_all_threads, native_threads, compute_in_c, compute_in_c_at_once,
        compute_in_c_in_all_threads, captured_references, instances_made_by_hand, class_is_as_documented,
        uncaught_in_a_worker, traced_and_profiled, garbage_is_collected, forked_child, sub_interpreter)})
