"""Many interrupts in a row: none lost, none twice, no data lost, no lock broken. CPYTHON_STORM is how many."""
import random
import shutil
import socket
import sqlite3
import tempfile
import threading
import time

import waits_libraries
from support import *

COUNT = int(os.environ.get('CPYTHON_STORM', '2000'))


class Storm(object):
    """Sends COUNT requests to a thread, each when the one before has been caught."""

    def __init__(self, tid):
        self.tid = tid
        self.caught = 0
        self.sent = 0

    def run(self, count=COUNT, pause=0):
        """`pause`: the longest time between two of them, in seconds."""
        for _ in range(count):
            if pause:
                time.sleep(random.uniform(0, pause))
            self.sent += 1
            assert libc.interrupt_thread(self.tid) == 0
            deadline = time.time() + PROMPT
            while self.caught < self.sent:
                assert time.time() < deadline, 'request %d of %d was lost' % (self.sent, count)
                time.sleep(0)
            assert self.caught == self.sent, 'caught %d of %d' % (self.caught, self.sent)


def receiving():
    ours, theirs = socket.socketpair()
    on_system = os.path.realpath(sys.executable).startswith('/usr/bin/')
    receive_all(ours, theirs, max(COUNT, 100000) if on_system else COUNT)  # once in full: it takes a minute


def receiving_by_ssl():
    ours, theirs = waits_libraries.tls()
    receive_all(ours, theirs, COUNT // 2)


def receiving_by_ssl_with_timeout():
    ours, theirs = waits_libraries.tls()
    ours.settimeout(LONG)
    receive_all(ours, theirs, COUNT // 2)


def end_of(connection):
    if hasattr(connection, 'unwrap'):
        connection.settimeout(0.1)
        try:
            connection.unwrap()
        except OSError:
            pass  # the other side says nothing to that
    connection.shutdown(socket.SHUT_WR)


def receive_all(ours, theirs, count):
    """`data = sock.recv(n)` either raises or assigns."""
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
        end_of(theirs)

    receiver = Running(receive)
    until(lambda: 'storm' in state)
    sender = Running(send)
    state['storm'].run(count)
    done.append(True)
    sender.result()
    receiver.result()
    assert len(received) % 4 == 0
    for i in range(len(received) // 4):
        assert received[4 * i:4 * i + 4] == i.to_bytes(4, 'big'), 'byte %d of %d' % (4 * i, len(received))


def inserting():
    """`cursor = database.execute(insert)` either raises and has done nothing, or is done once."""
    directory = tempfile.mkdtemp()
    path = os.path.join(directory, 'database')
    ours, theirs = [sqlite3.connect(path, timeout=LONG, isolation_level=None, check_same_thread=False) for _ in '12']
    ours.execute('pragma synchronous = off')
    ours.execute('create table numbers (number)')
    state = {}
    done = []
    inserted = []

    def insert():
        storm = state['storm'] = Storm(gettid())
        cursor = taken = None
        while not done:
            try:
                cursor = ours.execute('insert into numbers values (1)')
                inserted.append(1)
                taken = cursor
            except ThreadInterrupted:
                storm.caught += 1
                if cursor is not taken:
                    inserted.append(1)
                    taken = cursor

    def hold():
        while not done:
            theirs.execute('begin exclusive')
            time.sleep(0.002)
            theirs.execute('rollback')
            time.sleep(0.0005)

    inserter = Running(insert)
    until(lambda: 'storm' in state)
    holder = Running(hold)
    state['storm'].run(COUNT // 10, pause=0.005)  # sqlite waits for some milliseconds at a time
    done.append(True)
    holder.result()
    inserter.result()
    assert ours.execute('select count(*) from numbers').fetchone() == (len(inserted),), len(inserted)
    shutil.rmtree(directory)


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
    state['storm'].run(min(COUNT, 500))  # beside other work each takes a time slice or two
    done.append(True)
    thread.result()
    assert state['storm'].caught == min(COUNT, 500)


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


def everything():
    """Computing, sleeps, locks, data and critical sections in turns: none inside a section, no lock broken, no byte lost."""
    from libinterrupt import critical_section, mask
    state = {}
    done = []
    wrong = []
    lock = threading.Lock()
    ours, theirs = socket.socketpair()
    received = bytearray()

    def section():
        try:
            with lock:
                time.sleep(0)
            sum(range(50))
        except ThreadInterrupted as error:
            wrong.append(error)
            raise

    def once(step):
        if step == 0:
            for _ in range(200):
                pass
        elif step == 1:
            time.sleep(0.0001)
        elif step == 2:
            with lock:
                sum(range(500))
        elif step == 3:
            lock.acquire(timeout=0.0001) and lock.release()
        elif step == 4:
            with critical_section():
                with critical_section():
                    section()
        else:
            with mask('on_blocking'):
                for _ in range(50):
                    pass

    def work():
        storm = state['storm'] = Storm(gettid())
        step = 0
        data = taken = None
        while not done:
            step = (step + 1) % 7
            try:
                if step == 6:
                    data = ours.recv(16)
                    received.extend(data)
                    taken = data
                else:
                    once(step)
            except ThreadInterrupted:
                storm.caught += 1
                if data is not taken:
                    received.extend(data)
                    taken = data
                if step == 3 and lock.locked():
                    lock.release()

    def send():
        number = 0
        while not done:
            theirs.sendall(number.to_bytes(4, 'big'))
            number += 1
            time.sleep(0.0001)
        theirs.shutdown(socket.SHUT_WR)
        return number

    worker = Running(work)
    until(lambda: 'storm' in state)
    sender = Running(send)
    state['storm'].run()
    done.append(True)
    worker.result()
    for rest in iter(lambda: ours.recv(4096), b''):  # the sender may stand before a full buffer
        received.extend(rest)
    assert len(received) == 4 * sender.result()
    assert not wrong, wrong[:3]
    assert lock.acquire(False)
    assert state['storm'].caught == COUNT
    for i in range(len(received) // 4):
        assert received[4 * i:4 * i + 4] == i.to_bytes(4, 'big'), 'byte %d of %d' % (4 * i, len(received))


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
    main({function.__name__: function for function in (receiving, receiving_by_ssl, receiving_by_ssl_with_timeout,
                                                        inserting, with_lock, computing, mixed, everything, straight_to_a_builtin,
                                                        straight_to_an_instance)})
