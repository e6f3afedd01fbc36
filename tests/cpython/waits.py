"""Every wait of CPython that can be interrupted: in a worker and in the main thread, usable afterwards, and undisturbed."""
import concurrent.futures
import errno
import multiprocessing
import os
import queue
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from support import *

cases = {}


class Case(object):
    call = None         # the libc call in which it waits
    wait = None         # wait(limit); only a timed one looks at the limit
    timed = False       # it ends by its own time limit, with `result`
    end = None          # ends the wait, from another thread
    result = None       # what it then returns
    check = None        # ... or what is to be true of that

    def right(self, result):
        return self.check(result) if self.check else result == self.result


def case(call):
    def add(set_up):
        name = set_up.__name__

        def run():
            run_case(set_up, call)
        cases[name] = run
        return set_up
    return add


def natural_end(it):
    """The wait comes to its natural end, with the right result."""
    start = time.time()
    if it.timed:
        try:
            result = it.wait(0.2)
        except Exception as error:
            result = type(error)
        assert time.time() - start >= 0.19, 'it ended early'
    else:
        tid = gettid()

        def end():
            await_blocked(tid, it.call)
            it.end()
        ender = Running(end)
        result = it.wait(LONG)
        ender.result()
    assert it.right(result), result


def run_case(set_up, call):
    def fresh():
        it = Case()
        it.call = call
        set_up(it)
        return it

    if under_shim:
        it = fresh()
        Running(delivered_to, lambda: it.wait(LONG), call).result()
        delivered_to(lambda: it.wait(LONG), call)
        natural_end(it)
    natural_end(fresh())


# --- sleeping

@case(SLEEP)
def sleep(it):
    it.timed = True
    it.wait = time.sleep


# --- locks and what is built of them

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


# --- sockets

def pair(limit=None):
    ours, theirs = socket.socketpair()
    ours.settimeout(limit)
    return ours, theirs


def receiving(it, name, *arguments, **expected):
    ours, theirs = pair()
    it.wait = lambda limit: getattr(ours, name)(*arguments)
    it.end = lambda: theirs.send(b'data')
    it.result = expected['result']


@case('recv')
def recv(it):
    receiving(it, 'recv', 100, result=b'data')


@case('recv')
def recv_into(it):
    receiving(it, 'recv_into', bytearray(100), result=4)


@case('recvfrom')
def recvfrom(it):
    receiving(it, 'recvfrom', 100, result=(b'data', None))


@case('recvfrom')
def recvfrom_into(it):
    receiving(it, 'recvfrom_into', bytearray(100), result=(4, None))


@case('recvmsg')
def recvmsg(it):
    receiving(it, 'recvmsg', 100, result=(b'data', [], 0, None))


@case('recvmsg')
def recvmsg_into(it):
    receiving(it, 'recvmsg_into', [bytearray(100)], result=(4, [], 0, None))


@case('poll')
def recv_timeout(it):
    ours, it.theirs = pair()

    def wait(limit):
        ours.settimeout(limit)
        return ours.recv(100)
    it.timed = True
    it.wait = wait
    it.result = socket.timeout


@case('poll')
def recv_with_timeout_gets_data(it):
    ours, theirs = pair(LONG)
    it.wait = lambda limit: ours.recv(100)
    it.end = lambda: theirs.send(b'data')
    it.result = b'data'


def drain(source):
    """Takes all that is there, however it came there."""
    source.setblocking(False)
    try:
        while source.recv(1 << 20):
            pass
    except BlockingIOError:
        pass


def fill(sink):
    sink.setblocking(False)
    for size in (1 << 16, 1):
        try:
            while True:
                sink.send(b'-' * size)
        except BlockingIOError:
            pass
    sink.setblocking(True)


def sending(it, name, *arguments):
    ours, theirs = pair()
    fill(ours)
    it.wait = lambda limit: getattr(ours, name)(*arguments)
    it.end = lambda: drain(theirs)
    it.result = 100


@case('send')
def send(it):
    sending(it, 'send', b'x' * 100)


@case('send')
def sendall(it):
    sending(it, 'sendall', b'x' * 100)
    it.result = None


@case('sendmsg')
def sendmsg(it):
    sending(it, 'sendmsg', [b'x' * 50, b'y' * 50])


@case('sendto')
def sendto(it):
    theirs = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    theirs.bind(b'')  # the kernel finds a name
    ours = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    try:
        while True:
            ours.sendto(b'-', theirs.getsockname())
    except BlockingIOError:
        ours.setblocking(True)
    it.wait = lambda limit: ours.sendto(b'x' * 100, theirs.getsockname())
    it.end = lambda: drain(theirs)
    it.result = 100


@case('poll')
def send_timeout(it):
    ours, it.theirs = pair()
    fill(ours)

    def wait(limit):
        ours.settimeout(limit)
        return ours.send(b'x')
    it.timed = True
    it.wait = wait
    it.result = socket.timeout


def listener(family=socket.AF_INET, backlog=5):
    server = socket.socket(family, socket.SOCK_STREAM)
    server.bind(b'' if family == socket.AF_UNIX else ('127.0.0.1', 0))
    server.listen(backlog)
    return server


@case('accept4')
def accept(it):
    server = listener()
    it.client = socket.socket()
    it.wait = lambda limit: server.accept()
    it.end = lambda: it.client.connect(server.getsockname())
    it.check = lambda result: result[1] == it.client.getsockname()


@case('poll')
def accept_timeout(it):
    server = listener()

    def wait(limit):
        server.settimeout(limit)
        return server.accept()
    it.timed = True
    it.wait = wait
    it.result = socket.timeout


def full_listener(it, family):
    """One that takes no more connections until there is an accept()."""
    server = listener(family, 0)
    it.earlier = []
    while True:
        client = socket.socket(family)
        client.settimeout(0.3)
        it.earlier.append(client)
        try:
            client.connect(server.getsockname())
        except (socket.timeout, BlockingIOError):
            return server


def connecting(it, name, result):
    server = full_listener(it, socket.AF_UNIX)
    client = socket.socket(socket.AF_UNIX)
    it.wait = lambda limit: getattr(client, name)(server.getsockname())
    it.end = server.accept
    it.result = result


@case('connect')
def connect(it):
    connecting(it, 'connect', None)


@case('connect')
def connect_ex(it):
    connecting(it, 'connect_ex', 0)


def connecting_with_timeout(it, name, result):
    server = full_listener(it, socket.AF_INET)

    def wait(limit):
        client = socket.socket()  # a fresh one: the connection goes on after the interrupt
        client.settimeout(limit)
        return getattr(client, name)(server.getsockname())
    it.timed = True
    it.wait = wait
    it.result = result


@case('poll')
def connect_timeout(it):
    connecting_with_timeout(it, 'connect', socket.timeout)


@case('poll')
def connect_ex_timeout(it):
    connecting_with_timeout(it, 'connect_ex', errno.EAGAIN)


# --- readiness

@case('select')
def select_select(it):
    reading, writing = os.pipe()
    it.wait = lambda limit: select.select([reading], [], [])
    it.end = lambda: os.write(writing, b'x')
    it.result = ([reading], [], [])


@case('select')
def select_select_timeout(it):
    reading, writing = os.pipe()
    it.timed = True
    it.wait = lambda limit: select.select([reading], [], [], limit)
    it.result = ([], [], [])


@case('poll')
def select_poll(it):
    reading, writing = os.pipe()
    poller = select.poll()
    poller.register(reading, select.POLLIN)
    it.wait = lambda limit: poller.poll()
    it.end = lambda: os.write(writing, b'x')
    it.result = [(reading, select.POLLIN)]


@case('poll')
def select_poll_timeout(it):
    reading, writing = os.pipe()
    poller = select.poll()
    poller.register(reading, select.POLLIN)
    it.timed = True
    it.wait = lambda limit: poller.poll(limit * 1000)
    it.result = []


@case('epoll_wait')
def select_epoll(it):
    reading, writing = os.pipe()
    poller = select.epoll()
    poller.register(reading, select.EPOLLIN)
    it.wait = lambda limit: poller.poll()
    it.end = lambda: os.write(writing, b'x')
    it.result = [(reading, select.EPOLLIN)]


@case('epoll_wait')
def select_epoll_timeout(it):
    reading, writing = os.pipe()
    poller = select.epoll()
    poller.register(reading, select.EPOLLIN)
    it.timed = True
    it.wait = poller.poll
    it.result = []


# --- descriptors and files

@case('read')
def os_read(it):
    reading, writing = os.pipe()
    it.wait = lambda limit: os.read(reading, 100)
    it.end = lambda: os.write(writing, b'data')
    it.result = b'data'


@case('readv')
def os_readv(it):
    reading, writing = os.pipe()
    it.wait = lambda limit: os.readv(reading, [bytearray(100)])
    it.end = lambda: os.write(writing, b'data')
    it.result = 4


def full_pipe():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    for size in (4096, 1):
        try:
            while True:
                os.write(writing, b'-' * size)
        except BlockingIOError:
            pass
    os.set_blocking(writing, True)
    return reading, writing


def drain_pipe(reading):
    os.set_blocking(reading, False)
    try:
        while os.read(reading, 1 << 20):
            pass
    except BlockingIOError:
        pass


@case('write')
def os_write(it):
    reading, writing = full_pipe()
    it.wait = lambda limit: os.write(writing, b'x' * 100)
    it.end = lambda: drain_pipe(reading)
    it.result = 100


@case('writev')
def os_writev(it):
    reading, writing = full_pipe()
    it.wait = lambda limit: os.writev(writing, [b'x' * 50, b'y' * 50])
    it.end = lambda: drain_pipe(reading)
    it.result = 100


def fifo(it, opening):
    directory = tempfile.mkdtemp()
    path = os.path.join(directory, 'fifo')
    os.mkfifo(path)

    def end():
        it.writing = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        shutil.rmtree(directory)
    it.wait = lambda limit: opening(path)
    it.end = end


@case('open')
def os_open(it):
    fifo(it, lambda path: os.open(path, os.O_RDONLY))
    it.check = lambda descriptor: os.close(descriptor) is None


@case('open')
def open_fifo(it):
    fifo(it, lambda path: open(path))
    it.check = lambda file: file.close() is None


def file_reading(it, data, result, wait, **how):
    reading, writing = os.pipe()
    file = open(reading, **how)
    it.wait = lambda limit: wait(file)
    it.end = lambda: os.write(writing, data)
    it.result = result


@case('read')
def fileio_read(it):
    file_reading(it, b'data', b'data', lambda file: file.read(100), mode='rb', buffering=0)


@case('read')
def fileio_readinto(it):
    file_reading(it, b'data', 4, lambda file: file.readinto(bytearray(100)), mode='rb', buffering=0)


@case('read')
def fileio_readall(it):
    reading, writing = os.pipe()
    file = open(reading, 'rb', buffering=0)

    def end():
        os.write(writing, b'data')
        os.close(writing)
    it.wait = lambda limit: file.readall()
    it.end = end
    it.result = b'data'


@case('write')
def fileio_write(it):
    reading, writing = full_pipe()
    file = open(writing, 'wb', buffering=0)
    it.wait = lambda limit: file.write(b'x' * 100)
    it.end = lambda: drain_pipe(reading)
    it.result = 100


@case('read')
def buffered_readline(it):
    file_reading(it, b'line\nmore', b'line\n', lambda file: file.readline(), mode='rb')


@case('read')
def text_readline(it):
    file_reading(it, b'line\nmore', 'line\n', lambda file: file.readline(), mode='r')


@case('write')
def buffered_flush(it):
    reading, writing = full_pipe()
    file = open(writing, 'wb')
    file.write(b'x' * 100)
    it.wait = lambda limit: file.flush()
    it.end = lambda: drain_pipe(reading)


@case('recv')
def socket_makefile_readline(it):
    ours, theirs = pair()
    file = ours.makefile('rb')
    it.wait = lambda limit: file.readline()
    it.end = lambda: theirs.send(b'line\n')
    it.result = b'line\n'


@case('read')
def connection_recv(it):
    reading, writing = multiprocessing.Pipe(False)
    it.wait = lambda limit: reading.recv()
    it.end = lambda: writing.send(['message'])
    it.result = ['message']


# --- children

def child(it):
    process = subprocess.Popen(['sleep', str(LONG)])
    it.end = process.kill
    it.process = process
    return process


@case('waitpid')
def popen_wait(it):
    process = child(it)
    it.wait = lambda limit: process.wait()
    it.result = -signal.SIGKILL


@case('waitpid')
def os_waitpid(it):
    process = child(it)
    it.wait = lambda limit: os.waitpid(process.pid, 0)
    it.result = (process.pid, signal.SIGKILL)


@case('wait')
def os_wait(it):
    process = child(it)
    it.wait = lambda limit: os.wait()
    it.result = (process.pid, signal.SIGKILL)


@case('wait3')
def os_wait3(it):
    process = child(it)
    it.wait = lambda limit: os.wait3(0)[:2]
    it.result = (process.pid, signal.SIGKILL)


@case('wait4')
def os_wait4(it):
    process = child(it)
    it.wait = lambda limit: os.wait4(process.pid, 0)[:2]
    it.result = (process.pid, signal.SIGKILL)


@case('waitid')
def os_waitid(it):
    process = child(it)
    it.wait = lambda limit: os.waitid(os.P_PID, process.pid, os.WEXITED).si_status
    it.result = signal.SIGKILL


# --- signals

def blocked_signal(it):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    it.end = lambda: os.kill(os.getpid(), signal.SIGUSR1)


@case('sigwait')
def sigwait(it):
    blocked_signal(it)
    it.wait = lambda limit: signal.sigwait([signal.SIGUSR1])
    it.result = signal.SIGUSR1


@case('sigwaitinfo')
def sigwaitinfo(it):
    blocked_signal(it)
    it.wait = lambda limit: signal.sigwaitinfo([signal.SIGUSR1]).si_signo
    it.result = signal.SIGUSR1


@case('sigtimedwait')
def sigtimedwait(it):
    blocked_signal(it)
    it.timed = True
    it.wait = lambda limit: signal.sigtimedwait([signal.SIGUSR1], limit)


@case('pause')
def pause(it):
    signal.signal(signal.SIGUSR1, lambda *_: None)
    it.wait = lambda limit: signal.pause()
    it.end = lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)


if __name__ == '__main__':
    main(cases)
