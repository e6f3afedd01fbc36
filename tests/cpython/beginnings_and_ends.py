"""Interpreters that are interrupted while they begin and end."""
import subprocess

from support import *


def interpreter(program, *arguments):
    return subprocess.Popen([sys.executable, '-c', program] + list(arguments), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)


def ended_well(process, *allowed):
    output = process.communicate()[0].decode()
    assert process.returncode in allowed, (process.returncode, output)
    assert 'Fatal' not in output and 'SystemError' not in output, output
    return output


ATTACK = """
import ctypes, os, threading, _thread
libc = ctypes.CDLL(None)
def attack():
    own = libc.gettid()
    while True:
        for tid in os.listdir('/proc/self/task'):
            if int(tid) != own and (%s):
                libc.interrupt_thread(int(tid))
def away():
    try: attack()
    except BaseException: pass
_thread.start_new_thread(away, ())
"""


def interrupted_start():
    """Interrupts from another process while an interpreter starts: it runs, or ends as by any exception."""
    ended = []
    for i in range(12):
        process = interpreter('import threading, json, decimal; print("ran")')
        tell('hammer', process.pid)
        assert answer() == 'done'
        ended.append('ran' in ended_well(process, 0, 1))


def interrupted_exit():
    """Daemon threads that wait, compute and are interrupted while the interpreter ends."""
    program = ATTACK % "tid != str(os.getpid())" + """
import time
def wait():
    while True:
        try: time.sleep(0.001)
        except BaseException: pass
def compute():
    while True:
        try:
            for _ in range(1000): pass
        except BaseException: pass
for target in (wait, compute, wait):
    threading.Thread(target=target, daemon=True).start()
time.sleep(0.02)
"""
    for _ in range(12):
        ended_well(interpreter(program), 0)


def interrupted_main_at_exit():
    """The main thread is interrupted in the last steps: at worst that is said on stderr."""
    program = ATTACK % "ended" + """
ended = False
import atexit, time
def last():
    global ended
    ended = True
    for _ in range(20):
        try: time.sleep(0.0005)
        except BaseException: pass
atexit.register(last)
"""
    for _ in range(12):
        ended_well(interpreter(program), 0, 1, 120)


if __name__ == '__main__':
    main({function.__name__: function for function in (interrupted_start, interrupted_exit, interrupted_main_at_exit)})
