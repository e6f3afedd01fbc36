"""What scripts/sweep-programs sweeps: for each program the servers that it needs, which run bare, and commands whose undisturbed
runs are all alike.

`known` of a command has what SWEEP.md says of it, as (call, outcome, words): a finding there says these words, a pattern that is
searched for in its result and detail. What is not known is reported as new, and so is one for the outcome `default` that does
not come any more."""
import dataclasses
import os
import re

import postgres
from sweep_servers import Digest, File, Web, loopback_address

parts = os.path.dirname(os.path.abspath(__file__))


@dataclasses.dataclass
class Command:
    name: str
    words: list
    options: list = dataclasses.field(default_factory=list)  # of sweep
    others: str = ''  # outcomes that are tried besides the default
    known: list = dataclasses.field(default_factory=list)
    per_site: int = 0  # other than what is asked for


# What is tried besides the default: where a connection is read and written, and where input is.
connection = 'errno:ECONNRESET,timeout,eof'
inputs = 'errno:EIO,timeout,eof'


def shell(script):
    return ['sh', '-c', script]


def piped(file, words):
    """The command, its input a pipe; what writes there is not swept."""
    return shell(f'INTERRUPT_DISABLE=1 cat {file} | exec {" ".join(words)}')


class Program:
    tools = []
    version_of = ()

    def __init__(self, run):
        self.run = run
        self.servers = []

    def start(self):
        pass

    def serve(self, server):
        self.servers.append(server)
        return server.port

    def stop(self):
        for server in self.servers:
            server.stop()

    def version(self):
        return self.run.output(*self.version_of).splitlines()[0].strip()


class Perl(Program):
    tools = ['perl']
    version_of = ['perl', '-e', 'print "perl $^V\\n"']

    def commands(self):
        # A script that does not think of interrupts sees them where perl says so; where it does not, a command's error is lost.
        plain = [('select', 'default', 'select: Interrupted'), ('accept4', 'default', 'accept: Interrupted'),
                 ('connect', 'default', 'connect: Interrupted'), ('read|write', 'default', 'no command: 65280')]
        return [Command('repeats', ['perl', os.path.join(parts, 'perl_part.pl')], per_site=1),
                Command('plain', ['perl', os.path.join(parts, 'perl_plain.pl')], known=plain)]


class Tail(Program):
    tools = ['tail']
    version_of = ['tail', '--version']

    def commands(self):
        # Each run's own file grows while tail looks at it.
        lines = 'INTERRUPT_DISABLE=1 sh -c "for n in 1 2 3 end; do sleep 0.1; echo line \\$n; done"'
        grows = f'f=growing.$INTERRUPT_SWEEP; : >$f; {lines} >>$f & exec tail -f -n +1 -s 0.05 $f'
        known = [('poll', 'default', 'error waiting for inotify and output events: Interrupted system call')]
        return [Command('file', shell(grows), ['--until', 'line end'], 'timeout,errno:EIO', known),
                Command('pipe', shell(f'{lines} | tail -f -n +1'), [], 'eof,errno:EIO')]


class Nc(Program):
    tools = ['nc', 'perl']

    def version(self):
        return self.run.output('dpkg-query', '-W', '-f', '${Package} ${Version}', 'netcat-openbsd')

    def start(self):
        text = ''.join(f'line {n} of what goes through\n' for n in range(4000))
        self.file = self.run.write('text', text)
        self.digest = self.serve(Digest())
        self.source = self.serve(File(text.encode()))
        self.port = self.run.free_port()

    def commands(self):

        def listens(peer, options):
            return shell(f'{loopback_address}; INTERRUPT_DISABLE=1 perl {parts}/sweep_peer.pl {peer} $address {self.port} {self.file} &\n'
                         f'exec nc {options} $address {self.port} <{self.file}')
        poll = ('poll', 'default', 'polling error: Interrupted system call')
        accept = ('accept4', 'default', 'accept: Interrupted system call')
        cut_short = ('read', 'errno:EIO', 'output: ')
        return [Command('sends', piped(self.file, ['nc', '-N', '127.0.0.1', str(self.digest)]), [], inputs, [poll, cut_short]),
                Command('receives', ['nc', '-d', '127.0.0.1', str(self.source)], [], connection, [poll]),
                Command('listens', listens('send', '-d -l'), [], connection, [poll, accept]),
                Command('listens-sends', listens('receive', '-N -l'), [], connection, [poll, accept])]


class Curl(Program):
    tools = ['curl']
    version_of = ['curl', '--version']

    def start(self):
        self.file = self.run.write('text', ''.join(f'line {n} of what is posted\n' for n in range(8000)))
        self.port = self.serve(Web())

    def commands(self):
        curl = ['curl', '-sS']
        return [Command('get', [*curl, f'http://127.0.0.1:{self.port}/slow'], [], connection),
                Command('resolves', [*curl, f'http://localhost:{self.port}/'], [], connection),
                Command('post', [*curl, '-H', 'Expect:', '--data-binary', '@-', f'http://127.0.0.1:{self.port}/'],
                        ['--input', self.file], connection),
                Command('upload', piped(self.file, [*curl, '-T', '-', f'http://127.0.0.1:{self.port}/file']), [], inputs,
                        [('read', 'default|errno:EIO', 'output: ')])]


class Redis(Program):
    tools = ['redis-server', 'redis-cli']
    version_of = ['redis-cli', '--version']

    def start(self):
        self.port = self.run.free_port()
        server = self.run.start('redis-server', '--bind', '127.0.0.1', '--port', str(self.port), '--save', '', '--appendonly', 'no',
                                '--repl-diskless-sync-delay', '0')
        self.run.wait_for_port(self.port, server)
        protocol = ''.join(f'*3\r\n$3\r\nSET\r\n$5\r\nk{n:04}\r\n$5\r\nv{n:04}\r\n' for n in range(3000))
        self.protocol = self.run.write('protocol', protocol)
        self.lines = self.run.write('lines', 'echo one\necho two\nlrange none 0 -1\nfail\necho three\n')

    def commands(self):
        cli = ['redis-cli', '-p', str(self.port)]
        connects = ('poll', 'default', 'Could not connect .* Interrupted system call')
        sends = ('send', 'default', 'status: .* errors')
        reads = ('read', 'default', 'Interrupted system call')
        length = ('recv', 'default', 'Error reading bulk length')
        shifted = ('send', 'default', 'output: line 1: ')  # each answer stands for the command before
        return [Command('command', [*cli, 'set', 'word', 'value'], [], connection, [sends]),
                Command('lines', cli, ['--input', self.lines], connection, [connects, sends, shifted]),
                Command('pipe', piped(self.protocol, [*cli, '--pipe']), [], inputs, [connects, reads]),
                Command('argument', piped(self.lines, [*cli, '-x', 'echo']), [], inputs, [sends, reads]),
                Command('rdb', shell(f'f=rdb.$INTERRUPT_SWEEP; {" ".join(cli)} --rdb $f; s=$?; INTERRUPT_DISABLE=1 wc -c <$f; exit $s'),
                        ['--ignore', r'rdb\.[0-9]+', '--ignore', '[0-9]+ bytes'], connection, [connects, sends, length])]


class Psql(Program):
    tools = postgres.tools
    checks = None

    def start(self):
        self.checks = postgres.Checks(self.run)
        self.checks.tool('initdb', '-D', f'{self.checks.directory}/data', '-A', 'trust', '--no-sync')
        self.checks.launch()
        self.checks.ask('create table kept as select n, repeat(\'word \', 10) as words from generate_series(1, 3000) n',
                        'create table filled (n int, words text)')
        self.rows = self.run.write('rows', ''.join(f'{n}\twords of row {n}\n' for n in range(3000)))

    def version(self):
        return self.run.output(f'{postgres.bin_directory}/psql', '--version').strip()

    def commands(self):
        psql = [f'{postgres.bin_directory}/psql', *self.checks.target, '-U', postgres.user, '-XAt', 'postgres']
        fill = ['-c', 'begin', '-c', f'\\copy filled from {self.rows}', '-c', 'select count(*) from filled', '-c', 'rollback']
        return [Command('query', [*psql, '-c', 'select sum(n) from kept', '-c', 'select pg_sleep(0.05)'], [], connection),
                Command('copy-out', [*psql, '-c', 'copy kept to stdout'], [], connection),
                Command('copy-in', [*psql, '-v', 'ON_ERROR_STOP=1', *fill], [], connection)]

    def stop(self):
        if hasattr(self.checks, 'server'):
            self.checks.stop()


class Rsync(Program):
    tools = ['rsync']
    version_of = ['rsync', '--version']

    def start(self):
        os.makedirs(self.run.path('files', 'below'))
        for n in range(6):
            self.run.write(f'files/{"below/" if n % 2 else ""}file{n}', f'file {n}\n' * 20000)
        self.list = self.run.write('list', 'file0\nbelow/file1\n')
        self.port = self.run.free_port()
        owner = 'uid = 0\ngid = 0\n' if os.geteuid() == 0 else ''
        self.run.write('daemon.conf', f'use chroot = no\n{owner}max connections = 50\n[files]\npath = {self.run.path("files")}\n'
                       f'[drop]\npath = {self.run.make_directory("drop")}\nread only = no\n')
        server = self.run.start('rsync', '--daemon', '--no-detach', '--address', '127.0.0.1', '--port', str(self.port), '--config',
                                self.run.path('daemon.conf'))
        self.run.wait_for_port(self.port, server)

    def commands(self):
        # What has been copied, and by which status: the shell's own waits are in the sweep.
        look = 'INTERRUPT_DISABLE=1 sh -c "mkdir -p %s && cd %s && find . -type f | sort | xargs sha256sum"'
        gets = (f'd=$INTERRUPT_SWEEP; rsync -a rsync://127.0.0.1:{self.port}/files/ copy.$d/; s=$?; '
                f'{look % ("copy.$d", "copy.$d")}; rm -rf copy.$d; exit $s')
        puts = (f'd=$INTERRUPT_SWEEP; rsync -a files/ rsync://127.0.0.1:{self.port}/drop/$d/; s=$?; '
                f'{look % ("drop/$d", "drop/$d")}; rm -rf drop/$d; exit $s')
        listed = gets.replace('rsync -a', f'INTERRUPT_DISABLE=1 cat {self.list} | rsync -a --files-from=-', 1)
        return [Command('gets', shell(gets), [], connection), Command('puts', shell(puts), [], connection),
                Command('listed', shell(listed), [], inputs, [('read', 'errno:EIO', 'output: ')])]


programs = {'perl': Perl, 'tail': Tail, 'nc': Nc, 'curl': Curl, 'redis-cli': Redis, 'psql': Psql, 'rsync': Rsync}
