"""What the tests of `interruptctl serve` share: a server, programs to be interrupted, and clients that compare all that they
send and get with the schema."""
import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import time

import jsonschema

SOURCE = os.environ['SOURCE_DIR']
BUILD = os.environ['BUILD_DIR']
INTERRUPTCTL = BUILD + '/interruptctl'
SLEEPER = BUILD + '/tests/targets/sleeper'
PATIENCE = 30  # seconds; reached only when something is broken

with open(SOURCE + '/control/serve/protocol.json') as file:
    SCHEMA = json.load(file)


def validator(name):
    return jsonschema.Draft202012Validator({'$ref': '#/$defs/' + name, '$defs': SCHEMA['$defs']})


REQUEST, ANSWER, EVENT = map(validator, ('request', 'answer', 'event'))


def eventually(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, 'it has not come to that'
        time.sleep(0.002)


class Started:
    """A process that does not outlive the `with`."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, **options)
        self.pid = self.process.pid
        self.printed = ''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def line(self):
        while '\n' not in self.printed:
            assert select.select([self.process.stdout], [], [], PATIENCE)[0], 'it prints nothing'
            received = os.read(self.process.stdout.fileno(), 1 << 16).decode()
            assert received, 'it has ended'
            self.printed += received
        line, self.printed = self.printed.split('\n', 1)
        return line

    def end(self, number=signal.SIGTERM):
        """What it printed to standard error, and its status."""
        self.process.send_signal(number)
        errors = self.process.communicate(timeout=PATIENCE)[1]
        return errors, self.process.returncode


class Server(Started):
    def __init__(self, *arguments, path=None, command=(INTERRUPTCTL,), **options):
        self.directory = tempfile.TemporaryDirectory()
        self.path = path or self.directory.name + '/socket'
        super().__init__([*command, 'serve', '--socket', self.path, *arguments], **options)
        printed = self.line()
        assert printed == self.path, self.process.communicate()[1]


class Sleeper(Started):
    """A thread for each of the calls that are named, all of them waiting."""

    def __init__(self, *calls):
        super().__init__([INTERRUPTCTL, 'run', SLEEPER, *calls])
        self.tids = {}
        while True:
            words = self.line().split()
            if words == ['ready']:
                break
            self.tids[words[0]] = int(words[1])


class Client:
    def __init__(self, server):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(server.path)
        self.unread = b''
        self.events = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, text):
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def request(self, **fields):
        REQUEST.validate(fields)
        self.send(json.dumps(fields) + '\n')

    def line(self):
        """The next line, or None if the server has closed the connection."""
        while b'\n' not in self.unread:
            received = self.socket.recv(1 << 16)
            if not received:
                return None
            self.unread += received
        line, self.unread = self.unread.split(b'\n', 1)
        return json.loads(line)

    def answer(self):
        while True:
            line = self.line()
            assert line is not None, 'the server has closed the connection'
            if 'event' not in line:
                ANSWER.validate(line)
                return line
            EVENT.validate(line)
            self.events.append(line)

    def event(self, kind=None):
        """The next event, of that kind."""
        while True:
            if not self.events:
                line = self.line()
                EVENT.validate(line)
                self.events.append(line)
            event = self.events.pop(0)
            if kind in (None, event['event']):
                return event

    def ask(self, op, **fields):
        """What the server answers, its result alone."""
        self.request(op=op, **fields)
        answer = self.answer()
        assert answer['ok'], answer
        return answer['result']

    def refused(self, **fields):
        """The error, of a request that need not be a valid one."""
        self.send(json.dumps(fields) + '\n')
        answer = self.answer()
        assert not answer['ok'], answer
        return answer['error']
