"""After an interrupt was caught the thread goes on as if there had been none."""
import socket

import libinterrupt
from feature import *

ROUNDS = 50
caught = 0
clean = 0
stop = False


def work():
    global caught, clean
    ours, theirs = socket.socketpair()
    event = threading.Event()
    while not stop:
        try:
            event.wait()
        except ThreadInterrupted:
            caught += 1
            assert not libinterrupt.is_interrupted()
        for _ in range(20000):
            pass
        time.sleep(0.001)
        theirs.send(b'data')
        assert ours.recv(10) == b'data'
        with threading.Lock():
            event.wait(0.001)
        clean += 1


failed = []


def run():
    try:
        work()
    except BaseException as error:
        failed.append(repr(error))


worker = threading.Thread(target=run)
worker.start()
for number in range(1, ROUNDS + 1):
    stop = number == ROUNDS
    libinterrupt.interrupt(worker)
    until(lambda: failed or clean >= number, 'clean')
    assert not failed, failed
    assert caught == number, (caught, number)
worker.join()
assert not failed and caught == clean == ROUNDS
