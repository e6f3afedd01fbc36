"""The servers on loopback that swept programs talk to, each in threads that stop() ends and joins."""
import hashlib
import http.server
import socketserver
import threading
import time

# For the shell: each run of a sweep listens at an address of its own.
loopback_address = 'address=127.0.$((INTERRUPT_SWEEP / 250)).$((INTERRUPT_SWEEP % 250 + 1))'


class Server:
    """A handler, and the thread that waits for clients."""

    def __init__(self, handler, kind=socketserver.ThreadingTCPServer):
        class Quiet(kind):
            allow_reuse_address = True
            daemon_threads = False
            request_queue_size = 50

            def handle_error(self, request, client_address):  # a client that is interrupted may go at any time
                pass
        self.server = Quiet(('127.0.0.1', 0), handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Digest(Server):
    """Reads to the end, and answers how much it was and its digest."""

    def __init__(self):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                came = self.rfile.read()
                self.wfile.write(f'{len(came)} {hashlib.sha256(came).hexdigest()}\n'.encode())
        super().__init__(Handler)


class File(Server):
    """Sends in pieces what it has been given."""

    def __init__(self, contents):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                for begin in range(0, len(contents), 40_000):
                    self.request.sendall(contents[begin:begin + 40_000])
                    time.sleep(0.01)
        super().__init__(Handler)


class Web(Server):
    """GET gives a page, /slow in pieces with pauses; POST and PUT answer the digest of what came."""

    def __init__(self):
        page = ''.join(f'line {n} of the page\n' for n in range(5000)).encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, body, pause=0):
                self.send_response(200)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                for begin in range(0, len(body), 30_000):
                    self.wfile.write(body[begin:begin + 30_000])
                    time.sleep(pause)

            def do_GET(self):
                self.answer(page, 0.01 if self.path == '/slow' else 0)

            def body(self):
                if 'Content-Length' in self.headers:
                    return self.rfile.read(int(self.headers['Content-Length']))
                chunks = b''
                while size := int(self.rfile.readline(), 16):
                    chunks += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return chunks

            def do_POST(self):
                came = self.body()
                self.answer(f'{len(came)} {hashlib.sha256(came).hexdigest()}\n'.encode())

            do_PUT = do_POST

            def log_message(self, *words):
                pass
        super().__init__(Handler, http.server.ThreadingHTTPServer)
