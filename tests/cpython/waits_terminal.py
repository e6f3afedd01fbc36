"""Standard input, and what asks for a line at a terminal."""
import getpass
import os
import pty
import termios

from support import *
from wait_case import case


def standard_input(reading):
    give_up_standard_descriptors()
    os.dup2(reading, 0)


def terminal(it, ask_for_line, typed=b''):
    """It must be as before, whatever becomes of the question. Something may have been `typed` already."""
    master, slave = pty.openpty()
    standard_input(slave)
    os.dup2(slave, 1)
    before = termios.tcgetattr(0)

    def wait(limit):
        os.write(master, typed)
        try:
            return ask_for_line()
        finally:
            assert termios.tcgetattr(0) == before
    it.wait = wait
    it.end = lambda: os.write(master, b'line\n')
    it.result = typed.decode() + 'line'


@case('poll')
def input_at_terminal(it):
    terminal(it, input)  # a prompt would go to the driver, with standard error


@case('select')
def input_with_readline(it):
    import readline
    terminal(it, lambda: input('line? '))


@case('select')
def input_with_readline_half_typed(it):
    """What was typed before the interrupt is forgotten with it."""
    import readline
    terminal(it, lambda: input('line? '), typed=b'half')


@case('read')
def getpass_at_terminal(it):
    if os.getsid(0) != os.getpid():
        os.setsid()  # no terminal but the one on descriptor 0
    terminal(it, lambda: getpass.getpass(''))


@case('read')
def stdin_readline(it):
    reading, writing = os.pipe()
    standard_input(reading)
    it.wait = lambda limit: sys.stdin.readline()
    it.end = lambda: os.write(writing, b'line\n')
    it.result = 'line\n'


@case('read')
def input_from_a_pipe(it):
    reading, writing = os.pipe()
    standard_input(reading)
    it.wait = lambda limit: input()
    it.end = lambda: os.write(writing, b'line\n')
    it.result = 'line'
