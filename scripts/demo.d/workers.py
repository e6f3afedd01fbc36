"""Four workers, each stuck in a wait that nobody ends. An ordinary program: it knows nothing of libinterrupt."""
import queue
import socket
import threading
import time
import traceback

ours, theirs = socket.socketpair()
taken = threading.Lock()
taken.acquire()
items = queue.Queue()


def recv():
    data = ours.recv(100)


def lock():
    with taken:
        print('lock: in the body, without the lock')


def sleep():
    time.sleep(3600)


def get():
    item = items.get()


def work(wait):
    try:
        wait()
        print(f'{wait.__name__}: returned', flush=True)
    except BaseException as error:
        line = traceback.extract_tb(error.__traceback__)[1].line
        print(f'{wait.__name__}: {type(error).__name__} at `{line}`', flush=True)
    finally:
        print(f'{wait.__name__}: finally', flush=True)


threads = [threading.Thread(target=work, name=wait.__name__, args=(wait,)) for wait in (recv, lock, sleep, get)]
for thread in threads:
    thread.start()
    print(thread.name, thread.native_id, flush=True)
for thread in threads:
    thread.join()
