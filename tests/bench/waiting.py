"""Three threads that wait by C's own calls, and each prints how its wait ended: what faults.py interrupts. Ends with its input."""
import ctypes
import os
import select
import sys
import threading

libc = ctypes.CDLL(None, use_errno=True)
epoll = select.epoll()
pipe, other = os.pipe(), os.pipe()
bytes_read = ctypes.create_string_buffer(1)
events = ctypes.create_string_buffer(12 * 10)
polled = (ctypes.c_int * 2)(other[0], select.POLLIN)


def wait(name, call):
    def body():
        result = call()
        error = os.strerror(ctypes.get_errno()) if result < 0 else ''
        os.write(1, f'{name}: {result} {error}\n'.encode())
    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    return thread.native_id


tids = [wait('epoll_wait', lambda: libc.epoll_wait(epoll.fileno(), events, 10, -1)),
        wait('read', lambda: libc.read(pipe[0], bytes_read, 1)),
        wait('poll', lambda: libc.poll(polled, 1, -1))]
os.write(1, f'{" ".join(map(str, tids))}\n'.encode())
sys.stdin.read()
os._exit(0)
