"""git: a clone, a fetch and a push through a git daemon; many processes with pipes between them."""
import hashlib

from harness import expect_equal

tools = ['git']
of_interest = ['git-daemon', 'git']
findings = dict.fromkeys(['clone', 'push_and_fetch', 'repack_with_threads'], [('git', 'connect', 'errno=Interrupted system call')])


class Checks:
    def __init__(self, run):
        self.run = run
        self.port = run.free_port()
        self.number = 0

    def git(self, *words, **options):
        return self.run.output('git', '-c', 'user.name=Nobody', '-c', 'user.email=nobody@localhost', '-c', 'init.defaultBranch=main',
                               '-c', 'protocol.version=2', *words, **options).strip()

    def start(self):
        self.run.make_directory('served')
        self.origin = self.run.path('served', 'origin')
        self.git('init', '-q', '--bare', self.origin)
        self.git('-C', self.origin, 'config', 'daemon.receivepack', 'true')
        self.run.write('history', ''.join(self.commit(number) for number in range(300)))
        with open(self.run.path('history'), 'rb') as history:
            self.git('-C', self.origin, 'fast-import', '--quiet', stdin=history)
        self.server = self.run.start('git', 'daemon', '--reuseaddr', '--listen=127.0.0.1', f'--port={self.port}', '--export-all',
                                     f'--base-path={self.run.path("served")}')
        self.run.wait_for_port(self.port, self.server)
        self.address = f'git://127.0.0.1:{self.port}/origin'

    @staticmethod
    def commit(number):
        text = ''.join(hashlib.sha256(b'%d %d' % (number, line)).hexdigest() + '\n' for line in range(200))
        return (f'commit refs/heads/main\ncommitter Nobody <nobody@localhost> {1_000_000 + number} +0000\ndata 2\nc\n'
                f'M 644 inline file{number % 40}\ndata {len(text)}\n{text}\n')

    def clone(self):
        self.number += 1
        directory = self.run.path(f'clone{self.number}')
        self.git('clone', '-q', self.address, directory)
        return directory

    def check_clone(self):
        directory = self.clone()
        self.git('-C', directory, 'fsck', '--full', '--strict')
        expect_equal(self.git('-C', directory, 'status', '--porcelain'), '', 'changes in a fresh clone')
        expect_equal(self.git('-C', directory, 'rev-parse', 'HEAD'), self.git('-C', self.origin, 'rev-parse', 'main'), 'the head')
        return self.git('-C', directory, 'rev-parse', 'HEAD~100^{tree}')

    def check_push_and_fetch(self):
        one, other = self.clone(), self.clone()
        branch = f'branch{self.number}'
        self.run.write(f'clone{self.number - 1}/file0', branch)
        self.git('-C', one, 'commit', '-qam', branch)
        self.git('-C', one, 'push', '-q', 'origin', f'HEAD:refs/heads/{branch}')
        self.git('-C', other, 'fetch', '-q', 'origin')
        expect_equal(self.git('-C', other, 'show', f'origin/{branch}:file0'), branch, 'what was fetched')

    def check_repack_with_threads(self):
        directory = self.clone()
        self.git('-C', directory, '-c', 'pack.threads=4', 'repack', '-adfq')
        self.git('-C', directory, 'fsck', '--full')
        return self.git('-C', directory, 'grep', '--threads=4', '-c', 'abcd', 'HEAD')

    def stop(self):
        self.run.stop(self.server, status=(-15, 143))
