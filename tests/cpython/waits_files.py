"""Readiness, descriptors and files."""
import multiprocessing
import os
import select
import shutil
import tempfile

from support import *
from wait_case import case
from waits_sockets import pair

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
