"""ssh to an sshd of the run's own: it changes its user, its root directory and its sandbox on the way."""
import getpass
import hashlib
import os

from harness import expect, expect_equal

tools = ['ssh', 'scp', 'sshd', 'ssh-keygen']
of_interest = ['sshd', 'ssh']
findings = dict.fromkeys(['commands', 'session_waits', 'terminal', 'bytes_both_ways', 'forwarded_port'],
                         [('ssh', 'connect', 'Interrupted system call'), ('scp', 'waitpid', "^'scp .*ended with 1:")])

configuration = '''
ListenAddress 127.0.0.1
Port {port}
HostKey {directory}/host
AuthorizedKeysFile {directory}/key.pub
PidFile none
PermitRootLogin yes
PasswordAuthentication no
UsePAM no
StrictModes no
MaxStartups 100
Subsystem sftp internal-sftp
SetEnv {session}
'''


class Checks:
    def __init__(self, run):
        self.run = run
        self.port = run.free_port()
        self.options = ['-F', 'none', '-i', run.path('key'), '-o', 'StrictHostKeyChecking=no', '-o', 'BatchMode=yes', '-o',
                        f'UserKnownHostsFile={run.path("known")}', '-o', 'LogLevel=ERROR']
        self.target = getpass.getuser() + '@127.0.0.1'

    def start(self):
        for name in ('host', 'key'):
            self.run.output('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', self.run.path(name))
        if os.geteuid() == 0:
            os.makedirs('/run/sshd', exist_ok=True)
        # What sshd starts has an environment of its own: the shim has to be named there, too.
        preload = self.run.environment.get('LD_PRELOAD')
        self.run.write('sshd.conf', configuration.format(directory=self.run.directory, port=self.port, session=
                                                         f'LD_PRELOAD={preload}' if preload else 'BARE=1'))
        self.launch()

    def launch(self):
        self.server = self.run.start('/usr/sbin/sshd', '-D', '-e', '-f', self.run.path('sshd.conf'))
        self.run.wait_for_port(self.port, self.server)

    def ssh(self, *words, **options):
        return self.run.output('ssh', '-p', str(self.port), *self.options, self.target, *words, **options)

    def check_commands(self):
        return ' '.join(self.ssh(f'echo {number}; exit {number}', status=(number,)).strip() for number in (0, 3, 77))

    def check_session_waits(self):
        expect_equal(self.ssh('sleep 0.3; echo rested').strip(), 'rested', 'the session')

    def check_terminal(self):
        """A session with a pseudo terminal."""
        return self.ssh('-tt', 'tty >/dev/null && echo has a terminal').strip()

    def check_bytes_both_ways(self):
        sent = os.urandom(4_000_000)
        with open(self.run.path('sent'), 'wb') as file:
            file.write(sent)
        with open(self.run.path('sent'), 'rb') as file:
            self.ssh(f'cat > {self.run.path("there")}', stdin=file)
        self.run.output('scp', '-P', str(self.port), *self.options, f'{self.target}:{self.run.path("there")}', self.run.path('back'))
        with open(self.run.path('back'), 'rb') as file:
            expect_equal(hashlib.sha256(file.read()).hexdigest(), hashlib.sha256(sent).hexdigest(), 'the checksum')

    def check_forwarded_port(self):
        forwarded = self.run.free_port()
        master = self.run.start('ssh', '-N', '-p', str(self.port), '-L', f'127.0.0.1:{forwarded}:127.0.0.1:{self.port}', *self.options,
                                '-o', 'ExitOnForwardFailure=yes', self.target)
        self.run.wait_for_port(forwarded, master)
        said = self.run.output('ssh', '-p', str(forwarded), *self.options, self.target, 'echo through').strip()
        self.run.stop(master, status=(0, 255, -15))
        expect_equal(said, 'through', 'what came through')

    def check_sandbox(self):
        """The part that speaks to strangers runs under a seccomp filter: it has to live through what the shim does there."""
        log = self.run.log()
        expect('terminated by signal' not in log and 'preauth' not in log.replace('[preauth]', ''), log[-500:])

    def stop(self):
        self.run.stop(self.server, status=(0, 255))
