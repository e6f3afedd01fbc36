"""For tests with pytest: programs under the shim, until one of their threads is blocked where the test wants it, and what they do when
that thread is interrupted.

    def test_the_server_survives_a_reset(interruptctl_run):
        server = interruptctl_run(['./server', '--port', '0'])
        worker = server.wait(in_='recv')
        server.interrupt(worker, as_='errno:ECONNRESET')
        assert server.exit_status() == 0

The fixture `interruptctl_run` starts programs and ends them with the test. `interruptctl` is the one that the environment
variable INTERRUPTCTL names, or else the one in PATH. Without installation: pytest -p pytest_interruptctl.
"""
import json
import os
import signal
import subprocess
import tempfile
import time

import pytest

PATIENCE = 30  # seconds that anything is waited for unless told otherwise; reached only when something is broken


class InterruptctlError(Exception):
    """What interruptctl has refused or not achieved. `status` is its exit status: 2 usage, 3 not found, 4 not under the shim, 5
    not delivered in time, 6 not permitted; `results` is what became of each thread's request, if there were some."""

    def __init__(self, status, message, results=()):
        super().__init__(message)
        self.status = status
        self.results = list(results)


def _interruptctl():
    return os.environ.get('INTERRUPTCTL', 'interruptctl')


def _ask(command, *arguments):
    """The JSON that the command prints, and its status."""
    ended = subprocess.run([_interruptctl(), command, *map(str, arguments), '--json'], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    message = ended.stderr.decode(errors='replace').strip()
    try:
        answer = json.loads(ended.stdout.decode())
    except ValueError:
        answer = None
    if answer is None or (ended.returncode != 0 and message):
        raise InterruptctlError(ended.returncode, message or 'interruptctl %s has printed nothing' % command)
    return answer, ended.returncode


class Thread(dict):
    """A thread, with what `interruptctl threads --json` says of it."""

    @property
    def tid(self):
        return self['tid']

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Program:
    """A running program. `process` is its subprocess.Popen; its standard input is a pipe."""

    def __init__(self, command, env=None, cwd=None):
        # Files, and no pipes: the program is not to wait for somebody who reads.
        self._output = tempfile.TemporaryFile()
        self._errors = tempfile.TemporaryFile()
        environment = dict(os.environ, **(env or {}))
        try:
            # In a process group of its own, so that what it starts ends with it.
            self.process = subprocess.Popen([_interruptctl(), 'run', '--', *command], stdin=subprocess.PIPE,
                                            stdout=self._output, stderr=self._errors, env=environment, cwd=cwd,
                                            start_new_session=True)
        except OSError as error:
            raise InterruptctlError(1, 'interruptctl could not be started: %s' % error) from None
        self.pid = self.process.pid
        self._await_shim()

    def _await_shim(self):
        """It is under the shim from the exec on; one that has ended was, or `interruptctl run` has said why not."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self.threads()
            except InterruptctlError as error:
                if self.process.poll() is not None:
                    if self.errors().startswith('interruptctl: '):
                        raise InterruptctlError(self.process.returncode, self.errors().strip()) from None
                    return None
                if time.monotonic() > end:
                    self.close()
                    raise error
            time.sleep(0.005)

    def threads(self):
        return [Thread(thread) for thread in _ask('threads', self.pid)[0]['threads']]

    def wait(self, in_=None, tid=None, fd=None, thread=None, count=None, timeout=PATIENCE):
        """Waits until a thread is blocked in the call (`in_`: 'recv', or one of several: 'recv,read'), and returns it; with `count`
        until so many are, and returns a list. `thread` is a pattern for the name, `fd` the descriptor that the call waits for."""
        arguments = [self.pid] if tid is None else [self.pid, tid]
        for option, value in (('--in', in_), ('--fd', fd), ('--thread', thread), ('--count', count), ('--timeout', timeout)):
            if value is not None:
                arguments += [option, value]
        answer = _ask('wait', *arguments)[0]
        found = [Thread(each) for each in (answer['threads'] if 'threads' in answer else [answer])]
        return found[0] if count is None else found

    def interrupt(self, *threads, main=False, all_=False, name=None, in_=None, as_='default', timeout=PATIENCE, this_wait=False,
                  sticky=False):
        """Interrupts threads, by ids or as `wait` returns them, or by one of the other choices, and returns what became of each: a
        list of dicts with 'tid', 'result', 'call', 'latency_us'. Raises InterruptctlError if one was not delivered."""
        arguments = [self.pid, *(each.tid if isinstance(each, Thread) else each for each in threads)]
        arguments += ['--as', as_, '--timeout', timeout]
        for option, value in (('--name', name), ('--in', in_)):
            if value is not None:
                arguments += [option, value]
        for option, flag in (('--main', main), ('--all', all_), ('--this-wait', this_wait), ('--sticky', sticky)):
            if flag:
                arguments.append(option)
        answer, status = _ask('interrupt', *arguments)
        if status != 0:
            reasons = ['thread %d: %s, %s' % (each['tid'], each['result'], each['reason'])
                       for each in answer['threads'] if each['status'] != 0]
            raise InterruptctlError(status, '; '.join(reasons), answer['threads'])
        return answer['threads']

    def clear(self, thread):
        """Takes back what is pending for the thread, and returns its outcome, or None."""
        return _ask('clear', self.pid, thread.tid if isinstance(thread, Thread) else thread)[0]['cleared']

    def output(self):
        """What it has printed to standard output so far."""
        return self._contents(self._output)

    def errors(self):
        return self._contents(self._errors)

    @staticmethod
    def _contents(file):
        return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors='replace')

    def prints(self, text, timeout=PATIENCE):
        """Waits until its standard output has this in it; whether it has."""
        end = time.monotonic() + timeout
        while text not in self.output():
            if self.process.poll() is not None or time.monotonic() > end:
                return text in self.output()
            time.sleep(0.002)
        return True

    def write(self, text):
        """To its standard input."""
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def exit_status(self, timeout=PATIENCE):
        """Waits for its end: the exit status, or -SIGNAL."""
        return self.process.wait(timeout)

    def close(self):
        """Ends it, with what it has started, if that has not happened."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stdin.close()
        self._output.close()
        self._errors.close()


@pytest.fixture
def interruptctl_run():
    """A function that starts a program under the shim, and returns it as a Program: interruptctl_run(command, env=None, cwd=None).
    All are ended with the test."""
    programs = []

    def run(command, env=None, cwd=None):
        programs.append(Program(command, env, cwd))
        return programs[-1]
    yield run
    for program in programs:
        program.close()
