"""Waits inside C libraries, which may try again when one has failed: names, ssl, sqlite3."""
import os
import socket
import sqlite3
import ssl
import tempfile

from support import *
from wait_case import case
from waits_sockets import pair

# --- names of hosts, by a resolver that waits through libc's public functions

def slow_resolver():
    path = os.environ['SLOW_RESOLVER']
    preloaded = os.environ.get('LD_PRELOAD', '').split(':')
    if path not in preloaded:
        os.environ['LD_PRELOAD'] = ':'.join(preloaded + [path]).strip(':')
        os.execv(sys.executable, [sys.executable] + sys.argv)
    return ctypes.CDLL(path)


def resolving(it, resolve):
    resolver = slow_resolver()
    it.wait = lambda limit: resolve()
    it.end = resolver.answer_resolver
    it.check = lambda result: '127.0.0.1' in str(result)


@case('poll')
def getaddrinfo(it):
    resolving(it, lambda: socket.getaddrinfo('127.0.0.1', 80))


@case('poll')
def gethostbyname(it):
    resolving(it, lambda: socket.gethostbyname('localhost'))


@case('poll')
def gethostbyname_ex(it):
    resolving(it, lambda: socket.gethostbyname_ex('localhost'))


@case('poll')
def gethostbyaddr(it):
    resolving(it, lambda: socket.gethostbyaddr('localhost'))


@case('poll')
def getnameinfo(it):
    resolving(it, lambda: socket.getnameinfo(('127.0.0.1', 80), socket.NI_NUMERICHOST))


# --- ssl

def tls(handshake=True):
    """Both ends of a connection; a record that was lost or sent twice would break it."""
    certificate = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'localhost.pem')
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    ours, theirs = pair()
    ours = client.wrap_socket(ours, do_handshake_on_connect=False)
    theirs = server.wrap_socket(theirs, server_side=True, do_handshake_on_connect=False)
    if handshake:
        shaking = Running(theirs.do_handshake)
        ours.do_handshake()
        shaking.result()
    return ours, theirs


def reading(it, ours, theirs):
    it.wait = lambda limit: ours.recv(100)
    it.end = lambda: theirs.send(b'data')
    it.result = b'data'


@case('read')
def ssl_read(it):
    reading(it, *tls())


@case('poll')
def ssl_read_with_timeout(it):
    ours, theirs = tls()
    ours.settimeout(LONG)
    reading(it, ours, theirs)


@case('poll')
def ssl_read_timeout(it):
    ours, it.theirs = tls()

    def wait(limit):
        ours.settimeout(limit)
        return ours.recv(100)
    it.timed = True
    it.wait = wait
    it.result = socket.timeout


@case('read')
def ssl_read_of_a_file(it):
    ours, theirs = tls()
    file = ours.makefile('rb')
    it.wait = lambda limit: file.readline()
    it.end = lambda: theirs.send(b'line\n')
    it.result = b'line\n'


RECORD = b'x' * 10000


def writing(it, limit):
    ours, theirs = tls()
    ours.setblocking(False)
    sent = [0]
    try:
        while True:
            sent[0] += ours.send(RECORD)
    except ssl.SSLWantWriteError:
        ours.settimeout(limit)

    def receive():
        """All that was sent, the interrupted record once."""
        size = 0
        while size < sent[0] + len(RECORD):
            data = theirs.recv(len(RECORD))
            assert data == data[:1] * len(data) == b'x' * len(data)
            size += len(data)
        return size

    def end():
        it.receiver = Running(receive)
    it.wait = lambda limit: ours.send(RECORD)
    it.end = end
    it.check = lambda result: result == len(RECORD) and it.receiver.result() == sent[0] + result


@case('write')
def ssl_write(it):
    writing(it, None)


@case('poll')
def ssl_write_with_timeout(it):
    writing(it, LONG)


def shaking_hands(it, limit):
    ours, theirs = tls(handshake=False)
    ours.settimeout(limit)

    def end():
        it.other = Running(theirs.do_handshake)

    def check(result):
        it.other.result()
        ours.send(b'data')
        return theirs.recv(100) == b'data'
    it.wait = lambda limit: ours.do_handshake()
    it.end = end
    it.check = check


@case('read')
def ssl_handshake(it):
    shaking_hands(it, None)


@case('poll')
def ssl_handshake_with_timeout(it):
    shaking_hands(it, LONG)


def shutting_down(it, limit):
    ours, theirs = tls()
    ours.settimeout(limit)

    def end():
        it.other = Running(theirs.unwrap)

    def check(plain):
        plain.send(b'data')
        return it.other.result().recv(100) == b'data'
    it.wait = lambda limit: ours.unwrap()
    it.end = end
    it.check = check


@case('read')
def ssl_shutdown(it):
    shutting_down(it, None)


@case('poll')
def ssl_shutdown_with_timeout(it):
    shutting_down(it, LONG)


# --- sqlite3

def database(it):
    it.file = tempfile.NamedTemporaryFile()
    it.ours = sqlite3.connect(it.file.name, timeout=LONG, check_same_thread=False)
    it.ours.execute('create table numbers (number)')
    it.ours.commit()
    it.theirs = sqlite3.connect(it.file.name, isolation_level=None, check_same_thread=False)
    it.theirs.execute('begin exclusive')
    it.end = lambda: it.theirs.execute('rollback')
    it.check = lambda result: it.ours.execute('select count(*) from numbers').fetchone() == (1,)


INSERT = 'insert into numbers values (1)'


@case('usleep')
def sqlite_connection_execute(it):
    database(it)
    it.wait = lambda limit: it.ours.execute(INSERT)


@case('usleep')
def sqlite_connection_executemany(it):
    database(it)
    it.wait = lambda limit: it.ours.executemany('insert into numbers values (?)', [(1,)])


@case('usleep')
def sqlite_connection_executescript(it):
    database(it)
    it.wait = lambda limit: it.ours.executescript(INSERT)


@case('usleep')
def sqlite_execute(it):
    database(it)
    it.wait = lambda limit: it.ours.cursor().execute(INSERT)


@case('usleep')
def sqlite_executemany(it):
    database(it)
    it.wait = lambda limit: it.ours.cursor().executemany('insert into numbers values (?)', [(1,)])


@case('usleep')
def sqlite_executescript(it):
    database(it)
    it.wait = lambda limit: it.ours.cursor().executescript(INSERT)


def database_being_read(it):
    """A reader keeps what is written from being committed."""
    database(it)
    it.theirs.execute('rollback')
    it.theirs.execute('begin')
    it.theirs.execute('select * from numbers').fetchall()


@case('usleep')
def sqlite_commit(it):
    database_being_read(it)
    it.ours.execute(INSERT)
    it.wait = lambda limit: it.ours.commit()


@case('usleep')
def sqlite_exit(it):
    database_being_read(it)

    def wait(limit):
        it.ours.rollback()  # as it does itself, on 3.10 and later, when it cannot commit
        with it.ours:
            it.ours.execute(INSERT)
    it.wait = wait


@case('usleep')
def sqlite_blobopen(it):
    if version < (3, 11):
        skip('blobopen came with 3.11')
    database(it)
    it.theirs.execute('rollback')
    it.theirs.execute("insert into numbers values (x'00')")
    it.theirs.execute('begin exclusive')
    it.wait = lambda limit: it.ours.blobopen('numbers', 'number', 1).close()


def backing_up(it, **how):
    if version < (3, 7):
        skip('backup came with 3.7')
    database(it)
    it.copy = sqlite3.connect(':memory:', check_same_thread=False)
    it.wait = lambda limit: it.ours.backup(it.copy, **how)
    it.check = lambda result: result is None and it.copy.execute('select count(*) from numbers').fetchone() == (0,)


@case('usleep')
def sqlite_backup(it):
    backing_up(it)


@case('usleep')
def sqlite_backup_with_progress(it):
    def progress(status, remaining, total):
        it.seen.append(remaining)

    def check(result):
        return it.seen[-1] == 0 and whole(result)
    it.seen = []
    backing_up(it, sleep=0.1, progress=progress, pages=1)
    whole = it.check
    it.check = check
