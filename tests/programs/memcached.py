"""memcached: threads on epoll, with clients that count, and libmemcached's own tests of a server."""
import re
import socket
import threading

from harness import expect, expect_equal

tools = ['memcached', 'memcstat', 'memccapable', 'memcaslap']
of_interest = ['memcached', 'memcaslap']
findings = {'load': [('memcaslap', 'connect', "^'memcaslap .*ended with 1:")]}


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), 60)
        self.lines = self.socket.makefile('rb')

    def ask(self, words, body=b''):
        self.socket.sendall(words.encode() + b'\r\n' + body)
        return self.lines.readline().strip().decode()

    def get(self, key):
        header = self.ask('get ' + key).split()
        expect(header[0] == 'VALUE', f'get {key}: {header}')
        value = self.lines.read(int(header[3]) + 2)[:-2]
        self.lines.readline()
        return value

    def close(self):
        self.lines.close()
        self.socket.close()


class Checks:
    def __init__(self, run):
        self.run = run
        self.port = run.free_port()
        self.counted = 0

    def start(self):
        self.server = self.run.start('memcached', '-l', '127.0.0.1', '-p', str(self.port), '-U', '0', '-t', '4', '-m', '64', '-u', 'nobody')
        self.run.wait_for_port(self.port, self.server)
        self.with_client(lambda client: expect_equal(client.ask('set count 0 0 1', b'0\r\n'), 'STORED', 'set'))

    def with_client(self, work):
        client = Client(self.port)
        try:
            return work(client)
        finally:
            client.close()

    def check_counts_add_up(self):
        failures = []
        def count(client):
            for _ in range(400):
                client.ask('incr count 1')
        def work():
            try:
                self.with_client(count)
            except Exception as failure:
                failures.append(repr(failure))
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expect_equal(failures, [], 'failures')
        self.counted += 8 * 400
        expect_equal(int(self.with_client(lambda client: client.get('count'))), self.counted, 'the count')

    def check_values_come_back(self):
        def work(client):
            for size in (1, 1000, 100_000, 1_000_000):
                value = (b'%07d' % size) * (size // 7 + 1)
                expect_equal(client.ask(f'set value 0 0 {len(value)}', value + b'\r\n'), 'STORED', 'set')
                expect(client.get('value') == value, f'another value of {len(value)} bytes came back')
        self.with_client(work)

    def check_server_is_capable(self):
        """libmemcached's own tests of a server; it empties the store."""
        said = self.run.output('memccapable', '-h', '127.0.0.1', '-p', str(self.port), status=(0, 1))
        self.with_client(lambda client: client.ask(f'set count 0 0 {len(str(self.counted))}', b'%d\r\n' % self.counted))
        return ' '.join(re.findall(r'^(.*\S)\s+\[(\w+)\]', said, re.M).__str__().split())

    def check_statistics(self):
        said = self.run.output('memcstat', f'--servers=127.0.0.1:{self.port}')
        expect(re.search(r'threads: *4', said), said[:300])

    def check_load(self):
        said = self.run.output('memcaslap', '-s', f'127.0.0.1:{self.port}', '-T', '2', '-c', '16', '-x', '20000')
        expect(re.search(r'cmd_get: \d+', said) and 'rror' not in said.replace('errors: 0', ''), said[-500:])

    def stop(self):
        self.run.stop(self.server)
