"""A download from a server that stalls."""
import http.server
import os
import tempfile
import threading
import urllib.request

released = threading.Event()


class Stalling(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Length', '100000')
        self.end_headers()
        self.wfile.write(b'x' * 1000)
        self.wfile.flush()
        released.wait(60)

    def log_message(self, *arguments):
        pass


server = http.server.HTTPServer(('127.0.0.1', 0), Stalling)
threading.Thread(target=server.serve_forever, daemon=True).start()


def download(url):
    file = tempfile.NamedTemporaryFile(delete=False)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with file, opener.open(url) as response:
            print('worker: downloading', flush=True)
            while True:
                data = response.read(500)
                if not data:
                    break
                file.write(data)
        print('worker: complete', flush=True)
    finally:
        os.remove(file.name)
        print('worker: removed what there was', flush=True)


worker = threading.Thread(target=download, args=('http://127.0.0.1:%d/' % server.server_port,))
worker.start()
worker.join()
released.set()
server.shutdown()
server.server_close()
print('main: done')
