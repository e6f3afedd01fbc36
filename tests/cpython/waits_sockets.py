"""Sockets."""
import errno
import socket

from support import *
from wait_case import case

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
