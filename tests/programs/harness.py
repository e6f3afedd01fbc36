"""What the checks of all programs share: a directory and ports of their own, processes that are ended by their ids, the shim
or none, and a limit on every wait."""
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

patience = 60  # seconds; a generous limit for everything that has to come


class Failed(Exception):
    pass


def expect(condition, sentence):
    if not condition:
        raise Failed(sentence)


def expect_equal(found, wanted, what):
    expect(found == wanted, f'{what}: {found!r} instead of {wanted!r}')


class Run:
    """One program's checks, bare or under the shim."""

    def __init__(self, library=None, storm=0):
        self.storm = storm
        self.directory = tempfile.mkdtemp(prefix='programs-')
        os.chmod(self.directory, 0o755)
        self.environment = {'PATH': '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', 'HOME': self.directory,
                            'TMPDIR': self.directory, 'LC_ALL': 'C.UTF-8'}
        if library is not None:
            # Where every user that a server becomes can read it.
            self.library = self.path('libinterrupt.so')
            shutil.copy(library, self.library)
            self.environment['LD_PRELOAD'] = self.library
            self.environment.update((name, value) for name, value in os.environ.items() if name.startswith('INTERRUPT_'))
        self.bare_environment = {name: value for name, value in self.environment.items()
                                 if name != 'LD_PRELOAD' and not name.startswith('INTERRUPT_')}
        self.started = []

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def write(self, name, text):
        with open(self.path(name), 'w') as file:
            file.write(text)
        return self.path(name)

    def make_directory(self, name, user=None):
        os.mkdir(self.path(name))
        if user is not None and os.geteuid() == 0:
            os.chown(self.path(name), pwd.getpwnam(user).pw_uid, -1)
        return self.path(name)

    def log(self, name='log'):
        with contextlib.suppress(OSError), open(self.path(name), errors='replace') as file:
            return file.read()
        return ''

    @staticmethod
    def as_user(user, arguments):
        """Root becomes this user; anybody else stays who they are."""
        if user is None or os.geteuid() != 0:
            return list(arguments)
        return ['setpriv', '--reuid', user, '--regid', user, '--clear-groups', *arguments]

    def start(self, *arguments, log='log', user=None, **options):
        """A process that runs until stop(), or the end of the checks."""
        if 'stdout' not in options:
            with open(self.path(log), 'ab') as file:
                return self.start(*arguments, user=user, stdout=file, stderr=subprocess.STDOUT, **options)
        options = {'stdin': subprocess.DEVNULL, 'env': self.environment, 'cwd': self.directory, **options}
        process = subprocess.Popen(self.as_user(user, arguments), **options)
        self.started.append(process)
        return process

    def stop(self, process, number=signal.SIGTERM, status=(0,)):
        if process.poll() is None:
            process.send_signal(number)
        try:
            ended_with = process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed(f'{process.args[0]} did not end after signal {number}') from None
        self.started.remove(process)
        expect(ended_with in status, f'{process.args[0]} ended with {ended_with}')

    def output(self, *arguments, status=(0,), user=None, limit=patience, errors=subprocess.STDOUT, **options):
        """Of a process that ends by itself."""
        process = self.start(*arguments, user=user, stdout=subprocess.PIPE, stderr=errors, **options)
        try:
            out, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            raise Failed(f'{" ".join(arguments)[:80]!r} hung') from None  # end() ends it
        self.started.remove(process)
        text = out.decode(errors='replace')
        expect(process.returncode in status,
               f'{" ".join(arguments)[:80]!r} ended with {process.returncode}: {text.strip()[-300:]}')
        return text

    def wait_for(self, condition, what):
        deadline = time.monotonic() + patience
        while not condition():
            expect(time.monotonic() < deadline, f'{what}: not within {patience} s')
            time.sleep(0.02)

    def wait_for_port(self, port, process):
        def answers():
            expect(process.poll() is None, f'{process.args[0]} ended with {process.returncode}: {self.log()[-300:]}')
            with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), 5):
                return True
            return False
        self.wait_for(answers, f'{process.args[0]} on port {port}')

    @staticmethod
    def free_port():
        with socket.socket() as server:
            server.bind(('127.0.0.1', 0))
            return server.getsockname()[1]

    def end(self):
        for process in reversed(self.started):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
