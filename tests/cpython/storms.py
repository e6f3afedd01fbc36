"""Many interrupts in a row: none lost, none twice, no data lost, no lock broken. CPYTHON_STORM is how many."""
import socket
import threading
import time

from support import *

COUNT = int(os.environ.get('CPYTHON_STORM', '5000'))


class Storm(object):
    """Sends COUNT requests to a thread, each when the one before has been caught."""

    def __init__(self, tid):
        self.tid = tid
        self.caught = 0
        self.sent = 0

    def run(self, count=COUNT):
        for _ in range(count):
            self.sent += 1
            assert libc.interrupt_thread(self.tid) == 0
            deadline = time.time() + PROMPT
            while self.caught < self.sent:
                assert time.time() < deadline, 'request %d of %d was lost' % (self.sent, count)
                time.sleep(0)
            assert self.caught == self.sent, 'caught %d of %d' % (self.caught, self.sent)


def receiving():
    """`data = sock.recv(n)` either raises or assigns."""
    ours, theirs = socket.socketpair()
    ours.settimeout(None)
    state = {}
    received = bytearray()
    done = []

    def receive():
        storm = state['storm'] = Storm(gettid())
        data = taken = None
        while data != b'':
            try:
                data = ours.recv(64)
                received.extend(data)
                taken = data
            except ThreadInterrupted:
                storm.caught += 1
                if data is not taken:
                    received.extend(data)
                    taken = data

    def send():
        number = 0
        while not done:
            theirs.sendall(b''.join((number + i).to_bytes(4, 'big') for i in range(10)))
            number += 10
            if number % 1000 == 0:
                time.sleep(0.0002)  # now and then the receiver has to wait
        theirs.shutdown(socket.SHUT_WR)

    receiver = Running(receive)
    until(lambda: 'storm' in state)
    sender = Running(send)
    on_system = os.path.realpath(sys.executable).startswith('/usr/bin/')
    state['storm'].run(max(COUNT, 100000) if on_system else COUNT)  # once in full: it takes a minute
    done.append(True)
    sender.result()
    receiver.result()
    assert len(received) % 4 == 0
    for i in range(len(received) // 4):
        assert received[4 * i:4 * i + 4] == i.to_bytes(4, 'big'), 'byte %d of %d' % (4 * i, len(received))


def with_lock():
    """`with lock:` never runs its body without the lock, and never leaves it taken."""
    lock = threading.Lock()
    inside = []
    wrong = []
    done = []
    state = {}

    def body(who):
        inside.append(who)
        if inside != [who] or not lock.locked():
            wrong.append((who, list(inside)))
        inside.remove(who)

    def interrupted():
        storm = state['storm'] = Storm(gettid())
        while not done:
            try:
                with lock:
                    body('interrupted')
            except ThreadInterrupted:
                storm.caught += 1
                if 'interrupted' in inside:
                    inside.remove('interrupted')

    def other():
        while not done:
            with lock:
                body('other')
                time.sleep(0.0001)
            time.sleep(0)

    threads = [Running(interrupted), Running(other)]
    until(lambda: 'storm' in state)
    state['storm'].run()
    done.append(True)
    for thread in threads:
        thread.result()
    assert not wrong, wrong[:3]
    assert lock.acquire(False)


def spin(done):
    number = 0
    while not done:
        number += 1


def computing():
    """As many caught as sent, none twice, in a thread that only computes."""
    state = {}
    done = []

    def compute():
        storm = state['storm'] = Storm(gettid())
        while not done:
            try:
                spin(done)
            except ThreadInterrupted:
                storm.caught += 1

    thread = Running(compute)
    until(lambda: 'storm' in state)
    state['storm'].run(min(COUNT, 1500))
    done.append(True)
    thread.result()
    assert state['storm'].caught == min(COUNT, 1500)


def mixed():
    """Computing, waits and locks in turns."""
    state = {}
    done = []
    lock = threading.Lock()

    def work():
        storm = state['storm'] = Storm(gettid())
        while not done:
            try:
                for _ in range(300):
                    pass
                time.sleep(0.0001)
                with lock:
                    sum(range(2000))
                lock.acquire(timeout=0.0001)
                lock.release()
            except ThreadInterrupted:
                storm.caught += 1
                if lock.locked():
                    lock.release()

    thread = Running(work)
    until(lambda: 'storm' in state)
    state['storm'].run()
    done.append(True)
    thread.result()


def straight(last):
    """An exception that is still on its way when the last line runs: 3.10 and later look for it now and then only."""
    state = {}
    done = []
    count = min(COUNT, 200)
    code = compile('number = number * 5 % 65537\n' * 60000 + last, 'straight', 'exec')
    lock = threading.Lock()
    names = {'number': 3, 'lock': lock, 'ThreadInterrupted': ThreadInterrupted}

    def repeat():  # a function: an exception at a loop's end can miss a `try` around the loop's body
        while not done:
            exec(code, names)

    def work():
        storm = state['storm'] = Storm(gettid())
        while not done:
            try:
                repeat()
            except ThreadInterrupted as error:
                assert error.args == ()
                storm.caught += 1
                if lock.locked():
                    lock.release()

    thread = Running(work)
    until(lambda: 'storm' in state)
    state['storm'].run(count)
    done.append(True)
    thread.result()
    assert state['storm'].caught == count


def straight_to_a_builtin():
    straight('lock.acquire(False)\nlock.release()')


def straight_to_an_instance():
    straight('ThreadInterrupted("by hand")')


if __name__ == '__main__':
    main({function.__name__: function for function in (receiving, with_lock, computing, mixed, straight_to_a_builtin,
                                                        straight_to_an_instance)})
