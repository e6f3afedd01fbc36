"""Throughput of whole programs, bare and under the shim in turn. Of servers the server alone is under the shim: both run all the
time, and the client asks the one and then the other. Beside it the processor time that the program takes for one unit of work, which
depends less on what else the machine does.

A measurement gives the units of work in a second, and how many there were."""
import os
import re
import resource
import shutil
import sys
import time

from figures import Target, in_turn, pair_ratio, spread
from places import library, root

sys.path.append(os.path.join(root, 'tests', 'programs'))
import harness  # noqa: E402
import nginx  # noqa: E402
import postgres  # noqa: E402

target = Target(0.99, 'of bare', at_least=True)


class Server:
    """One server, with a run of tests/programs for its directory and environment."""

    def __init__(self, preload):
        self.run = harness.Run(preload)
        self.port = self.run.free_port()

    def processor_seconds(self):
        """Of the server and all that it has started."""
        fields = {}
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{pid}/stat') as file:
                    fields[int(pid)] = file.read().rsplit(')', 1)[1].split()
            except OSError:  # has ended
                continue
        family = {self.process.pid}
        while grown := {pid for pid, of_it in fields.items() if int(of_it[1]) in family} - family:
            family |= grown
        return sum(int(ticks) for pid in family if pid in fields for ticks in fields[pid][11:15]) / os.sysconf('SC_CLK_TCK')

    def client(self, *arguments, **options):
        return self.run.output(*arguments, env=self.run.bare_environment, **options)

    def wrk(self, seconds, path, *options):
        said = self.client('wrk', '-t', '1', '-c', '8', '-d', f'{seconds}s', *options, f'http://127.0.0.1:{self.port}/{path}')
        return float(re.search(r'Requests/sec:\s*([\d.]+)', said).group(1)), int(re.search(r'(\d+) requests in', said).group(1))

    def end(self):
        self.run.end()


class Redis(Server):
    tools = ['redis-server', 'redis-benchmark']

    def start(self):
        self.process = self.run.start('redis-server', '--bind', '127.0.0.1', '--port', str(self.port), '--save', '',
                                      '--appendonly', 'no', '--dir', self.run.directory)
        self.run.wait_for_port(self.port, self.process)

    def measure(self, seconds):
        count = int(60_000 * seconds)
        said = self.client('redis-benchmark', '-p', str(self.port), '-q', '-n', str(count), '-c', '20', '-t', 'get')
        return float(re.findall(r'GET: ([\d.]+) requests per second', said)[-1]), count


class Postgres(Server):
    tools = postgres.tools

    def start(self):
        self.checks = postgres.Checks(self.run)
        self.checks.start()
        self.process = self.checks.server

    def measure(self, seconds):
        said = self.client(f'{postgres.bin_directory}/pgbench', *self.checks.target, '-n', '-S', '-c', '4', '-T',
                           str(max(1, round(seconds))), 'postgres', user=postgres.user, cwd=self.checks.directory)
        return float(re.search(r'tps = ([\d.]+)', said).group(1)), int(re.search(r'actually processed: (\d+)', said).group(1))


class Nginx(Server):
    tools = nginx.tools

    def start(self):
        self.checks = nginx.Checks(self.run)
        self.checks.start()
        self.process = self.checks.server
        self.port = self.checks.port

    def measure(self, seconds):
        return self.wrk(seconds, 'small')


class HttpServer(Server):
    tools = ['/usr/bin/python3', 'wrk']

    def start(self):
        self.run.write('small', 'small\n')
        self.process = self.run.start('/usr/bin/python3', '-m', 'http.server', '--bind', '127.0.0.1', str(self.port))
        self.run.wait_for_port(self.port, self.process)

    def measure(self, seconds):
        return self.wrk(seconds, 'small', '-H', 'Connection: close')


class Gunicorn(Server):
    tools = ['gunicorn', 'wrk']

    def start(self):
        self.run.write('application.py', 'def application(environment, start_response):\n'
                       '    start_response("200 OK", [("Content-Length", "6")])\n    return [b"small\\n"]\n')
        self.process = self.run.start('gunicorn', '-b', f'127.0.0.1:{self.port}', '-w', '1', '--threads', '4', 'application:application')
        self.run.wait_for_port(self.port, self.process)

    def measure(self, seconds):
        return self.wrk(seconds, '')


class Make(Server):
    """Jobs a second of a compilation: make, cc and what it starts, all under the shim."""
    tools = ['make', 'gcc']
    files = 12

    def start(self):
        for number in range(self.files):
            self.run.write(f'part{number}.c', '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n' + ''.join(
                f'int f{number}_{i}(const char *s) {{ char b[64]; snprintf(b, 64, "%s%d", s, {i}); return atoi(b) + (int)strlen(b); }}\n'
                for i in range(60)))
        objects = ' '.join(f'part{number}.o' for number in range(self.files))
        self.run.write('Makefile', f'all: {objects}\n%.o: %.c\n\tgcc -O1 -c -o $@ $<\nclean:\n\trm -f *.o\n')

    def measure(self, _):
        self.run.output('make', 'clean', env=self.run.bare_environment)
        began = time.perf_counter()
        self.run.output('make', '-j', '2', 'all')
        return self.files / (time.perf_counter() - began), self.files

    def processor_seconds(self):
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime


programs = {'redis-server, redis-benchmark': (Redis, 'requests/s'), 'postgres, pgbench -S': (Postgres, 'transactions/s'),
            'nginx, wrk': (Nginx, 'requests/s'), 'python3 -m http.server, wrk': (HttpServer, 'requests/s'),
            'gunicorn, wrk': (Gunicorn, 'requests/s'), 'make -j 2': (Make, 'files/s')}


def measured(server, seconds, used):
    """The throughput; `used` gets the processor seconds and the units."""
    before = server.processor_seconds()
    throughput, units = server.measure(seconds)
    used.append((server.processor_seconds() - before, units))
    return throughput


def compare(report, name, unit, sides, rounds, seconds):
    for each in sides.values():
        each.start()
        each.measure(seconds)  # for the caches
    used = {side: [] for side in sides}
    times = in_turn(rounds, {side: (lambda side=side: measured(sides[side], seconds, used[side])) for side in sides})
    report.add('whole programs', name, unit, {side: spread(values) for side, values in times.items()},
               ratio=pair_ratio(times['shim'], times['bare']), target=target)
    # The kernel counts in ticks, so all rounds together.
    spent = {side: sum(cpu for cpu, _ in of_it) / sum(units for _, units in of_it) * 1e6 for side, of_it in used.items()}
    report.add('whole programs', '  processor time of a unit', 'us', {side: spread([cpu]) for side, cpu in spent.items()},
               ratio=spread([spent['shim'] / spent['bare']]))


def run(report):
    rounds, seconds = report.rounds(20, 3), 1
    path = os.environ['PATH'] + ':/usr/sbin:/sbin'
    for name, (kind, unit) in programs.items():
        missing = [tool for tool in kind.tools if shutil.which(tool, path=path) is None]
        if missing:
            report.note(f'{name}: not measured, for there is no {" and no ".join(missing)} (scripts/setup programs)')
            continue
        sides = {'bare': kind(None), 'shim': kind(library)}
        try:
            compare(report, name, unit, sides, rounds, seconds)
        finally:
            for each in sides.values():
                each.end()
