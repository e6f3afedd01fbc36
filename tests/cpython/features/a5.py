"""The main thread is interrupted in each kind of wait. Each would come to its end by itself after a while."""
import _thread
import os
import queue
import select
import socket
import subprocess
import sys
import threading
import time

END = 4
ours, theirs = socket.socketpair()
reading, writing = os.pipe()
lock = threading.Lock()
lock.acquire()
items = queue.Queue()
ended = threading.Event()
sleeper = threading.Thread(target=ended.wait)
sleeper.start()
child = subprocess.Popen([sys.executable, '-c', 'import sys; sys.stdin.read()'], stdin=subprocess.PIPE)

waits = [
    ('socket.recv', lambda: ours.recv(1), lambda: theirs.send(b'x')),
    ('lock.acquire', lock.acquire, lock.release),
    ('Queue.get', items.get, lambda: items.put(1)),
    ('Thread.join', sleeper.join, ended.set),
    ('select', lambda: select.select([reading], [], []), lambda: os.write(writing, b'x')),
    ('os.read', lambda: os.read(reading, 1), lambda: os.write(writing, b'x')),
    ('Popen.wait', child.wait, child.stdin.close),
]


def interrupt():
    time.sleep(0.3)
    _thread.interrupt_main()


late = []
for name, wait, end in waits:
    ender = threading.Timer(END, end)
    worker = threading.Thread(target=interrupt)
    ender.start()
    worker.start()
    start = time.time()
    try:
        wait()
        time.sleep(0.01)
    except KeyboardInterrupt:
        pass
    elapsed = time.time() - start
    worker.join()
    if elapsed >= END - 1:
        ender.join()
        late.append('%s: after %.1f s' % (name, elapsed))
        break
    ender.cancel()

ended.set()
child.stdin.close()
child.wait()
assert not late, late
