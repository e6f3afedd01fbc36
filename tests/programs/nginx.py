"""nginx with wrk: two workers on epoll, sendfile, and a change of workers while they serve."""
import hashlib
import os
import re
import signal
import urllib.request

from harness import expect, expect_equal

tools = ['nginx', 'wrk']
of_interest = ['nginx', 'wrk']
findings = dict.fromkeys(['small_answers', 'big_answers', 'reload_while_it_serves'],
                         [('wrk', 'connect', '^wrk ended with 1$|unable to connect.*Interrupted system call|Socket errors: connect 1,')])

configuration = '''
daemon off;
{user}
worker_processes 2;
pid {directory}/pid;
error_log {directory}/log warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    sendfile on;
    client_body_temp_path {directory}/client;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {directory}/www;
        location /through/ {{ proxy_pass http://127.0.0.1:{port}/; }}
    }}
}}
'''


class Checks:
    def __init__(self, run):
        self.run = run
        self.port = run.free_port()
        self.address = f'http://127.0.0.1:{self.port}/'
        run.make_directory('www')
        self.big = os.urandom(3_000_000)
        with open(run.path('www', 'big'), 'wb') as file:
            file.write(self.big)
        run.write('www/small', 'small\n')
        self.configuration = run.write('nginx.conf', configuration.format(
            directory=run.directory, port=self.port, user='user www-data;' if os.geteuid() == 0 else ''))

    def start(self):
        self.server = self.run.start('nginx', '-c', self.configuration, '-p', self.run.directory)
        self.run.wait_for_port(self.port, self.server)

    def load(self, path, seconds='1s'):
        said = self.run.output('wrk', '-t', '2', '-c', '16', '-d', seconds, self.address + path)
        expect('Socket errors' not in said and 'Non-2xx' not in said, said)
        expect(int(re.search(r'(\d+) requests in', said).group(1)) > 0, said)

    def fetch(self, path):
        with urllib.request.urlopen(self.address + path, timeout=60) as answer:
            return answer.read()

    def check_small_answers(self):
        self.load('small')

    def check_big_answers(self):
        self.load('big')

    def check_bytes_are_right(self):
        wanted = hashlib.sha256(self.big).hexdigest()
        for path in ('big', 'through/big'):
            for _ in range(10):
                expect_equal(hashlib.sha256(self.fetch(path)).hexdigest(), wanted, 'the checksum of /' + path)

    def check_reload_while_it_serves(self):
        def workers():
            with open(f'/proc/{self.server.pid}/task/{self.server.pid}/children') as children:
                return set(children.read().split())
        before = workers()
        load = self.run.start('wrk', '-t', '1', '-c', '4', '-d', '2s', self.address + 'small', log='wrk')
        self.server.send_signal(signal.SIGHUP)
        self.run.wait_for(lambda: len(workers() - before) == 2 and not workers() & before, 'new workers in place of the old')
        self.run.stop(load, 0)
        expect_equal(self.fetch('small'), b'small\n', 'the answer after the reload')

    def stop(self):
        self.run.stop(self.server, signal.SIGQUIT)
        expect_equal(re.findall(r'\[(?:alert|crit|emerg|error)\].*', self.run.log()), [], 'what the log says')
