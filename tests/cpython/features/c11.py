"""Blocking calls that nobody has patched."""
import _thread
import os
import socket
import subprocess

from feature import *

ours, theirs = socket.socketpair()
reading, writing = os.pipe()
lock = _thread.allocate_lock()
lock.acquire()
child = subprocess.Popen(['sleep', str(END)])

check_all_interrupted([
    Waiting('socket.recv', lambda: ours.recv(1), lambda: theirs.send(b'x')),
    Waiting('os.read', lambda: os.read(reading, 1), lambda: os.write(writing, b'x')),
    Waiting('os.waitpid', lambda: os.waitpid(child.pid, 0)),
    Waiting('Lock.acquire', lock.acquire, lock.release),
])
child.kill()
child.wait()
