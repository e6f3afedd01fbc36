"""Locks and what is built of them, for threads and for processes."""
import concurrent.futures
import multiprocessing
import queue
import threading

from support import *
from wait_case import case

@case('sem_wait')
def lock_acquire(it):
    lock = threading.Lock()
    lock.acquire()
    it.wait = lambda limit: lock.acquire()
    it.end = lock.release
    it.result = True


@case(TIMED_LOCK)
def lock_acquire_timeout(it):
    lock = threading.Lock()
    lock.acquire()
    it.timed = True
    it.wait = lambda limit: lock.acquire(timeout=limit)
    it.result = False


def in_body_of(lock, held):
    with lock:
        return held()


@case('sem_wait')
def lock_with(it):
    lock = threading.Lock()
    lock.acquire()
    it.wait = lambda limit: in_body_of(lock, lock.locked)
    it.end = lock.release
    it.result = True


class Holder(object):
    """Holds a lock that knows its owner, in a thread of its own, until let_go()."""

    def __init__(self, lock):
        self.lock = lock
        self.go = threading.Event()
        held = threading.Event()

        def hold():
            with lock:
                held.set()
                self.go.wait()
        self.holder = Running(hold)
        held.wait()

    def let_go(self):
        self.go.set()
        self.holder.result()


@case('sem_wait')
def rlock_acquire(it):
    lock = threading.RLock()
    it.end = Holder(lock).let_go
    it.wait = lambda limit: lock.acquire()
    it.result = True


@case(TIMED_LOCK)
def rlock_acquire_timeout(it):
    lock = threading.RLock()
    Holder(lock)
    it.timed = True
    it.wait = lambda limit: lock.acquire(timeout=limit)
    it.result = False


@case('sem_wait')
def rlock_with(it):
    lock = threading.RLock()
    it.end = Holder(lock).let_go
    it.wait = lambda limit: in_body_of(lock, lock._is_owned)
    it.result = True


def notify(condition):
    with condition:
        condition.notify()


def wait_in(condition, limit=None):
    with condition:
        return condition.wait(limit)


@case('sem_wait')
def condition_wait(it):
    condition = threading.Condition()
    it.wait = lambda limit: wait_in(condition)
    it.end = lambda: notify(condition)
    it.result = True


@case(TIMED_LOCK)
def condition_wait_timeout(it):
    condition = threading.Condition()
    it.timed = True
    it.wait = lambda limit: wait_in(condition, limit)
    it.result = False


@case('sem_wait')
def condition_of_plain_lock(it):
    condition = threading.Condition(threading.Lock())
    it.wait = lambda limit: wait_in(condition)
    it.end = lambda: notify(condition)
    it.result = True


@case('sem_wait')
def event_wait(it):
    event = threading.Event()
    it.wait = lambda limit: event.wait()
    it.end = event.set
    it.result = True


@case(TIMED_LOCK)
def event_wait_timeout(it):
    event = threading.Event()
    it.timed = True
    it.wait = event.wait
    it.result = False


@case('sem_wait')
def semaphore_acquire(it):
    semaphore = threading.Semaphore(0)
    it.wait = lambda limit: semaphore.acquire()
    it.end = semaphore.release
    it.result = True


@case('sem_wait')
def barrier_wait(it):
    barrier = threading.Barrier(2)

    def wait(limit):
        if barrier.broken:  # as after any exception in wait()
            barrier.reset()
        return barrier.wait()
    it.wait = wait
    it.end = barrier.wait
    it.check = lambda index: index in (0, 1)


@case('sem_wait')
def queue_get(it):
    items = queue.Queue()
    it.wait = lambda limit: items.get()
    it.end = lambda: items.put('item')
    it.result = 'item'


@case(TIMED_LOCK)
def queue_get_timeout(it):
    items = queue.Queue()
    it.timed = True
    it.wait = lambda limit: items.get(timeout=limit)
    it.result = queue.Empty


@case('sem_wait')
def queue_put(it):
    items = queue.Queue(1)
    items.put('first')
    it.wait = lambda limit: items.put('second')
    it.end = items.get
    it.check = lambda result: items.get(timeout=LONG) == 'second'


@case('sem_wait')
def queue_join(it):
    items = queue.Queue()
    items.put('item')
    it.wait = lambda limit: items.join()
    it.end = items.task_done


def simple_queue():
    if not hasattr(queue, 'SimpleQueue'):
        skip('SimpleQueue came with 3.7')
    return queue.SimpleQueue()


@case('sem_wait')
def simple_queue_get(it):
    items = simple_queue()
    it.wait = lambda limit: items.get()
    it.end = lambda: items.put('item')
    it.result = 'item'


@case('sem_clockwait' if version >= (3, 13) else TIMED_LOCK)
def simple_queue_get_timeout(it):
    items = simple_queue()
    it.timed = True
    it.wait = lambda limit: items.get(timeout=limit)
    it.result = queue.Empty


@case('thread_join' if version >= (3, 13) else 'sem_wait')
def thread_join(it):
    go = threading.Event()
    thread = threading.Thread(target=go.wait, daemon=True)
    thread.start()
    it.wait = lambda limit: thread.join()
    it.end = go.set
    it.check = lambda result: result is None and not thread.is_alive()


@case('thread_join' if version >= (3, 13) else TIMED_LOCK)
def thread_join_timeout(it):
    thread = threading.Thread(target=threading.Event().wait, daemon=True)
    thread.start()
    it.timed = True
    it.wait = thread.join
    it.check = lambda result: result is None and thread.is_alive()


@case('sem_wait')
def future_result(it):
    future = concurrent.futures.Future()
    it.wait = lambda limit: future.result()
    it.end = lambda: future.set_result('result')
    it.result = 'result'


@case(TIMED_LOCK)
def future_result_timeout(it):
    future = concurrent.futures.Future()
    it.timed = True
    it.wait = future.result
    it.result = concurrent.futures.TimeoutError


@case('sem_wait')
def process_lock_acquire(it):
    lock = multiprocessing.Lock()
    lock.acquire()
    it.wait = lambda limit: lock.acquire()
    it.end = lock.release
    it.result = True


@case('sem_timedwait')
def process_lock_acquire_timeout(it):
    lock = multiprocessing.Lock()
    lock.acquire()
    it.timed = True
    it.wait = lambda limit: lock.acquire(timeout=limit)
    it.result = False


@case('sem_wait')
def process_lock_with(it):
    lock = multiprocessing.Lock()
    lock.acquire()
    it.wait = lambda limit: in_body_of(lock, lambda: not lock.acquire(False))
    it.end = lock.release
    it.result = True


@case('sem_wait')
def process_semaphore_acquire(it):
    semaphore = multiprocessing.Semaphore(0)
    it.wait = lambda limit: semaphore.acquire()
    it.end = semaphore.release
    it.result = True
