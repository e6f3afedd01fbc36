"""redis-server with redis-benchmark: a single-threaded event loop on epoll, with threads for I/O and a fork for each snapshot."""
import re

from harness import expect, expect_equal

tools = ['redis-server', 'redis-cli', 'redis-benchmark']
of_interest = ['redis-server', 'redis-benchmark']


class Checks:
    def __init__(self, run):
        self.run = run
        self.port = run.free_port()
        self.counted = 0

    def start(self):
        self.server = self.run.start('redis-server', '--bind', '127.0.0.1', '--port', str(self.port), '--save', '',
                                     '--appendonly', 'no', '--enable-debug-command', 'local', '--dir', self.run.directory, '--io-threads', '2',
                                     '--io-threads-do-reads', 'yes')
        self.run.wait_for_port(self.port, self.server)

    def ask(self, *words):
        return self.run.output('redis-cli', '-p', str(self.port), *words).strip()

    def benchmark(self, *options):
        said = self.run.output('redis-benchmark', '-p', str(self.port), '-q', *options)
        expect('rror' not in said, said)
        return re.findall(r'([A-Z_]+)[^:\r\n]*: [\d.]+ requests per second', said)

    def check_commands(self):
        return ' '.join(sorted(set(self.benchmark('-n', '4000', '-c', '20', '-t', 'set,get,lpush,lpop,sadd,hset,mset,lrange_100'))))

    def check_increments_add_up(self):
        for clients in (1, 25):
            self.benchmark('-n', '8000', '-c', str(clients), '-P', '4', '-t', 'incr')
            self.counted += 8000
        expect_equal(int(self.ask('get', 'counter:__rand_int__')), self.counted, 'the counter')

    def check_snapshot(self):
        """A fork that writes, and a server that comes back from what it has written."""
        expect_equal(self.ask('debug', 'populate', '20000', 'row', '50'), 'OK', 'populate')
        digest = self.ask('debug', 'digest')
        saves = self.saves()
        expect('started' in self.ask('bgsave'), 'no snapshot was begun')
        self.run.wait_for(lambda: self.saves() > saves, 'the snapshot')
        expect_equal(self.ask('debug', 'reload'), 'OK', 'reload')
        expect_equal(self.ask('debug', 'digest'), digest, 'the digest after the reload')

    def saves(self):
        return int(re.search(r'rdb_saves:(\d+)', self.ask('info', 'persistence')).group(1))

    def check_blocking_pop(self):
        waiting = self.run.start('redis-cli', '-p', str(self.port), 'blpop', 'queue', '100', log='popped')
        self.run.wait_for(lambda: 'blocked_clients:1' in self.ask('info', 'clients'), 'a blocked client')
        self.ask('rpush', 'queue', 'item')
        self.run.stop(waiting, 0)
        return self.run.log('popped').splitlines()[-1]

    def stop(self):
        self.run.stop(self.server)
