"""Transfers at the current position or between descriptors, and the locks of files."""
import fcntl
import os
import struct
import tempfile

from support import *
from wait_case import case
from waits_files import drain_pipe, full_pipe
from waits_sockets import drain, fill, pair


def needs(name):
    if not hasattr(os, name):
        skip('this version has no os.' + name)


HERE = -1  # the current position: at an offset nothing waits


@case('preadv2')
def os_preadv(it):
    needs('preadv')
    reading, writing = os.pipe()
    it.wait = lambda limit: os.preadv(reading, [bytearray(100)], HERE)
    it.end = lambda: os.write(writing, b'data')
    it.result = 4


@case('pwritev2')
def os_pwritev(it):
    needs('pwritev')
    reading, writing = full_pipe()
    it.wait = lambda limit: os.pwritev(writing, [b'x' * 50, b'y' * 50], HERE)
    it.end = lambda: drain_pipe(reading)
    it.result = 100


def file_with(data):
    file = tempfile.TemporaryFile()
    file.write(data)
    file.flush()
    return file


@case('sendfile')
def os_sendfile(it):
    ours, theirs = pair()
    fill(ours)
    file = file_with(b'x' * 100)
    it.wait = lambda limit: os.sendfile(ours.fileno(), file.fileno(), 0, 100)
    it.end = lambda: drain(theirs)
    it.result = 100


@case('eventfd_read')
def os_eventfd_read(it):
    needs('eventfd')
    counter = os.eventfd(0)
    it.wait = lambda limit: os.eventfd_read(counter)
    it.end = lambda: os.eventfd_write(counter, 7)
    it.result = 7


@case('eventfd_write')
def os_eventfd_write(it):
    needs('eventfd')
    counter = os.eventfd(0)
    os.eventfd_write(counter, 2 ** 64 - 2)
    it.wait = lambda limit: os.eventfd_write(counter, 1)
    it.end = lambda: os.eventfd_read(counter)


@case('splice')
def os_splice(it):
    needs('splice')
    reading, writing = os.pipe()
    it.other_reading, other_writing = os.pipe()
    it.wait = lambda limit: os.splice(reading, other_writing, 100)
    it.end = lambda: os.write(writing, b'data')
    it.check = lambda count: count == 4 and os.read(it.other_reading, 100) == b'data'


def two_openings(it):
    it.file = tempfile.NamedTemporaryFile()
    return it.file.fileno(), os.open(it.file.name, os.O_RDWR)


@case('flock')
def fcntl_flock(it):
    ours, theirs = two_openings(it)
    fcntl.flock(theirs, fcntl.LOCK_EX)
    it.wait = lambda limit: fcntl.flock(ours, fcntl.LOCK_EX)
    it.end = lambda: fcntl.flock(theirs, fcntl.LOCK_UN)


def record_lock(kind):
    return struct.pack('hhqqi4x', kind, 0, 0, 0, 0)


def locked_file(it):
    """One that another open file description has locked: its locks exclude the process's own."""
    F_OFD_SETLK = 37
    ours, theirs = two_openings(it)
    fcntl.fcntl(theirs, F_OFD_SETLK, record_lock(fcntl.F_WRLCK))
    it.end = lambda: fcntl.fcntl(theirs, F_OFD_SETLK, record_lock(fcntl.F_UNLCK))
    return ours


@case('fcntl')
def fcntl_lockf(it):
    ours = locked_file(it)
    it.wait = lambda limit: fcntl.lockf(ours, fcntl.LOCK_EX)


@case('fcntl')
def fcntl_fcntl(it):
    ours = locked_file(it)
    it.wait = lambda limit: fcntl.fcntl(ours, fcntl.F_SETLKW, record_lock(fcntl.F_WRLCK))
    it.result = record_lock(fcntl.F_WRLCK)


@case('lockf')
def os_lockf(it):
    ours = locked_file(it)
    it.wait = lambda limit: os.lockf(ours, os.F_LOCK, 0)
