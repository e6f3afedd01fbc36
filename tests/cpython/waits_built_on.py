"""What the standard library builds on the waits: processes, pools, futures, servers, event loops."""
import asyncio
import concurrent.futures
import http.client
import http.server
import multiprocessing
import multiprocessing.pool
import os
import selectors
import signal
import socketserver
import subprocess
import threading
import urllib.request

from support import *
from wait_case import case
from waits_sockets import listener

JOIN = 'thread_join' if version >= (3, 13) else 'sem_wait'

# --- processes

@case('poll')
def connection_poll(it):
    reading, writing = multiprocessing.Pipe(False)
    it.wait = lambda limit: reading.poll(None)
    it.end = lambda: writing.send('message')
    it.result = True


@case('read')
def process_queue_get(it):
    items = multiprocessing.Queue()
    it.wait = lambda limit: items.get()
    it.end = lambda: items.put('item')
    it.result = 'item'


@case('sem_wait')
def process_queue_put(it):
    items = multiprocessing.Queue(1)
    items.put('first')
    it.wait = lambda limit: items.put('second')
    it.end = items.get
    it.check = lambda result: items.get(timeout=LONG) == 'second'


@case('waitpid')
def process_join(it):
    process = multiprocessing.Process(target=time.sleep, args=(LONG,), daemon=True)
    process.start()
    it.wait = lambda limit: process.join()
    it.end = process.terminate
    it.check = lambda result: process.exitcode == -signal.SIGTERM


def pool_that_reads(it):
    reading, writing = os.pipe()
    it.pool = multiprocessing.Pool(1)
    it.end = lambda: os.write(writing, b'-' * 10)
    return reading


def read_byte(descriptor):
    return os.read(descriptor, 1)


def stays_usable(pool):
    return pool.apply(abs, (-3,)) == 3


@case('sem_wait')
def pool_apply_get(it):
    reading = pool_that_reads(it)
    pending = it.pool.apply_async(read_byte, (reading,))
    it.wait = lambda limit: pending.get()
    it.check = lambda result: result == b'-' and stays_usable(it.pool)


@case('sem_wait')
def pool_map(it):
    reading = pool_that_reads(it)
    it.wait = lambda limit: it.pool.map(read_byte, [reading])
    it.check = lambda result: result == [b'-'] and stays_usable(it.pool)


@case(JOIN)
def pool_join(it):
    reading = pool_that_reads(it)
    pending = it.pool.apply_async(read_byte, (reading,))
    it.pool.close()
    it.wait = lambda limit: it.pool.join()
    it.check = lambda result: pending.get(0) == b'-'


@case('poll')
def communicate(it):
    reading, writing = os.pipe()
    process = subprocess.Popen(['head', '-c', '4'], stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    it.wait = lambda limit: process.communicate()
    it.end = lambda: os.write(writing, b'data')
    it.check = lambda result: result == (b'data', b'') and process.returncode == 0


@case('read')
def check_output(it):
    reading, writing = os.pipe()
    it.exact = False  # the start of a process reads as well, and leaves the process behind if it is interrupted
    it.wait = lambda limit: subprocess.check_output(['head', '-c', '4'], stdin=reading)
    it.end = lambda: os.write(writing, b'data' * 3)  # for the two that may have been left behind, too
    it.result = b'data'


# --- threads

def executor_that_waits(it):
    go = threading.Event()
    it.executor = concurrent.futures.ThreadPoolExecutor(1)
    it.end = go.set
    return it.executor.submit(go.wait)


@case('sem_wait')
def futures_wait(it):
    future = executor_that_waits(it)
    it.wait = lambda limit: concurrent.futures.wait([future])
    it.check = lambda result: result.done == {future} and it.executor.submit(abs, -3).result() == 3


@case('sem_wait')
def futures_as_completed(it):
    future = executor_that_waits(it)
    it.wait = lambda limit: next(concurrent.futures.as_completed([future]))
    it.check = lambda result: result is future


@case('sem_wait')
def executor_map(it):
    go = threading.Event()
    executor = concurrent.futures.ThreadPoolExecutor(1)
    it.wait = lambda limit: list(executor.map(lambda item: go.wait(), [1]))
    it.end = go.set
    it.result = [True]


@case(JOIN)
def executor_shutdown(it):
    future = executor_that_waits(it)
    it.wait = lambda limit: it.executor.shutdown()
    it.check = lambda result: future.result(0) is True


@case(JOIN)
def timer_join(it):
    timer = threading.Timer(LONG, print)
    timer.daemon = True
    timer.start()
    it.wait = lambda limit: timer.join()
    it.end = timer.cancel


# --- servers and clients

def serving(it, server):
    it.wait = lambda limit: server.serve_forever()
    it.end = server.shutdown


@case('poll')
def serve_forever(it):
    serving(it, socketserver.TCPServer(('127.0.0.1', 0), socketserver.BaseRequestHandler))


@case('poll')
def http_serve_forever(it):
    serving(it, http.server.HTTPServer(('127.0.0.1', 0), http.server.BaseHTTPRequestHandler))


def slow_server(it):
    """Answers whoever has connected when it is told to."""
    server = listener()
    it.connections = []

    def end():
        server.setblocking(False)
        try:
            while True:
                connection = server.accept()[0]
                it.connections.append(connection)
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody')
        except BlockingIOError:
            pass
    it.end = end
    it.check = lambda response: response.status == 200 and response.read() == b'body'
    return server.getsockname()[1]


@case('recv')
def http_getresponse(it):
    connection = http.client.HTTPConnection('127.0.0.1', slow_server(it))
    connection.request('GET', '/')
    it.wait = lambda limit: connection.getresponse()


@case('recv')
def urlopen(it):
    url = 'http://127.0.0.1:%d/' % slow_server(it)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    it.wait = lambda limit: opener.open(url)


# --- event loops

@case('epoll_wait')
def selector_select(it):
    reading, writing = os.pipe()
    selector = selectors.DefaultSelector()
    key = selector.register(reading, selectors.EVENT_READ)
    it.wait = lambda limit: selector.select()
    it.end = lambda: os.write(writing, b'x')
    it.result = [(key, selectors.EVENT_READ)]


def run_in_new_loop(main):
    if hasattr(asyncio, 'run'):
        return asyncio.run(main)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    task = loop.create_task(main)
    try:
        return loop.run_until_complete(task)
    finally:
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.close()


@case('epoll_wait')
def asyncio_run(it):
    it.ended = []

    async def main():
        it.loop = asyncio.get_event_loop()
        it.future = it.loop.create_future()
        try:
            return await it.future
        finally:
            it.ended.append(True)

    def wait(limit):
        it.ended.clear()
        try:
            return run_in_new_loop(main())
        finally:
            assert it.ended == [True]  # its own clean-up has run
    it.wait = wait
    it.end = lambda: it.loop.call_soon_threadsafe(it.future.set_result, 'result')
    it.result = 'result'
