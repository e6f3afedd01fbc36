"""Loops in Python, and loops that spend their time in C functions."""
from feature import *


def bytecode():
    number = 0
    while True:
        number += 1


def c_functions():
    while True:
        sorted(range(500), key=str)


def check(*loops):
    """All of them at a time."""
    caught = {}

    def run(loop):
        try:
            loop()
        except ThreadInterrupted:
            caught[threading.get_ident()] = time.time()
    threads = [threading.Thread(target=run, args=(loop,)) for loop in loops]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    asked = time.time()
    for thread in threads:
        interrupt(thread)
    for thread in threads:
        thread.join(LONG)
        assert not thread.is_alive()
    assert len(caught) == len(loops), 'not each of them'
    assert max(caught.values()) - asked < PROMPT


check(bytecode)
check(c_functions)
check(bytecode, bytecode, c_functions)
