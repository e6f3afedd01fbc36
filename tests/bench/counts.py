"""The instructions of libinterrupt.so itself in one call that need not wait, by callgrind: the same on a busy machine as on
a quiet one, and with another libc. Compared with those that are kept in counts.json.

    tests/bench/counts.py [--update]      BUILD_DIR says where it was built

A part of a run is what lies between two calls of getppid(). Status 1: one has grown by more than a tenth; 77: there is
nothing to compare with here.
"""
import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
build = os.path.abspath(os.environ.get('BUILD_DIR', 'build'))
library = os.path.join(build, 'libinterrupt.so')
kept = os.path.join(here, 'counts.json')
allowed = 1.1
skipped = 77

# As tests/bench/ready_calls.cpp names them.
calls = ('recv', 'read', 'poll', 'write', 'send', 'sem_wait', 'select', 'epoll_wait', 'recvmsg', 'sendmsg', 'readv', 'writev',
         'accept', 'open', 'fcntl', 'waitpid', 'sem_clockwait', 'clock_nanosleep', 'pthread_mutex_timedlock')
# While there are rules: one that names the call and not the thread, none that names the call.
with_rules = ('recv', 'write', 'sem_wait')
rules_of_others = 'mq_receive:errno:EIO;recv:eof:thread=nobody'
# Of a Python that every Debian has; what is compared is the part that the adapter adds.
python = '/usr/bin/python3'
python_count = 200
python_calls = {
    'python lock': 'acquire(); release()',
    'python with lock': 'with lock: pass',
    'python recv': 'ours.recv(1)',
    'python sleep(0)': 'time.sleep(0)',
}
python_program = '''
import os, threading, time, _socket
lock = threading.Lock()
acquire, release = lock.acquire, lock.release
ours, theirs = _socket.socketpair()
''' + ''.join(f'''
def batch():
    theirs.send(b'x' * {python_count})
    os.getppid()
    for _ in range({python_count}):
        {statement}
    os.getppid()
batch()
batch()
''' for statement in python_calls.values())


class NotCounted(Exception):
    pass


def costs_of_parts(path):
    """What the library itself has cost in each part, of a file of callgrind's with combined dumps."""
    parts = []
    ours = after_call = False
    with open(path) as lines:
        for line in lines:
            if line.startswith('part:'):
                parts.append(0)
                ours = after_call = False
            elif line.startswith('ob='):
                ours = line.rstrip().endswith('/libinterrupt.so')
            elif line.startswith('calls='):
                after_call = True  # of what is called, not of the function itself
            elif line[0].isdigit() or line[0] in '+-*':
                if ours and not after_call:
                    parts[-1] += int(line.split()[1])
                after_call = False
    return parts


def run_counted(command, text='', **environment):
    with tempfile.TemporaryDirectory() as directory:
        # Children write files of their own.
        process = subprocess.Popen(
            ['valgrind', '--tool=callgrind', f'--callgrind-out-file={directory}/%p', '--combine-dumps=yes',
             '--compress-strings=no', '--compress-pos=no', '--dump-before=*getppid', *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, LD_PRELOAD=library, LC_ALL='C', **environment))
        said, errors = process.communicate(text)
        if process.returncode != 0:
            raise NotCounted(f'{command[0]} under callgrind ended with {process.returncode}:\n{errors[-2000:]}')
        return said, costs_of_parts(os.path.join(directory, str(process.pid)))


def count_calls(names, suffix='', **environment):
    """The second batch of each: the first one finds what is to be found once."""
    said, parts = run_counted([os.path.join(build, 'tests', 'bench', 'ready_calls')],
                              ''.join(f'{name}\n' * 2 for name in names), **environment)
    numbers = [int(line.split()[0]) for line in said.splitlines()]
    # Before, in and after each batch; what comes after one lies before the next.
    batches = parts[1::2]
    return {name + suffix: round(batches[2 * i + 1] / numbers[2 * i + 1], 2) for i, name in enumerate(names)}


def count_python():
    _, parts = run_counted([python, '-I', '-S', '-c', python_program])
    return {name: round(parts[4 * i + 3] / python_count, 2) for i, name in enumerate(python_calls)}


def of_the_build():
    """What the figures are figures of: others are not to be compared with them."""
    comment = subprocess.run(['readelf', '-p', '.comment', library], capture_output=True, text=True, check=True).stdout
    versions = re.findall(r'(clang version|GCC:).*? (\d+)\.\d+', comment)
    compiler = next((f'clang {number}' for name, number in versions if name != 'GCC:'), None) or \
        next((f'GCC {number}' for _, number in versions), 'unknown')
    with open(os.path.join(build, 'CMakeCache.txt')) as cache:
        settings = dict(re.findall(r'^(\w+):\w+=(.*)$', cache.read(), re.MULTILINE))
    python_version = subprocess.run([python, '-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], capture_output=True,
                                    text=True).stdout.strip()
    return {'architecture': platform.machine(), 'compiler': compiler, 'build type': settings.get('CMAKE_BUILD_TYPE', ''),
            'flags': settings.get('CMAKE_CXX_FLAGS', ''), 'sanitizer': settings.get('INTERRUPT_SANITIZE', ''),
            'python': python_version}


def compare(found, before):
    """Prints each beside the figure that is kept; the names of those that have grown too much."""
    grown = []
    print(f'{"instructions of a call":<26}{"kept":>10}{"now":>10}')
    for name, count in found.items():
        known = before.get(name)
        too_many = known is not None and count > known * allowed
        grown += [name] * too_many
        remark = ' is new: --update' if known is None else ' MORE THAN A TENTH ABOVE' if too_many else ''
        print(f'{name:<26}{"-" if known is None else known:>10}{count:>10}{remark}')
    return grown


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--update', action='store_true', help='keep what is counted now')
    options = parser.parse_args(arguments)
    this = of_the_build()
    if not options.update:
        with open(kept) as file:
            before = json.load(file)
        different = [f'{what} is {this[what]!r} here and {value!r} there' for what, value in before['of'].items()
                     if this.get(what) != value]
        if different:
            print('counts: not compared, for the figures in tests/bench/counts.json are of another build: '
                  + '; '.join(different) + '. --update keeps those of this one.')
            return skipped
    try:
        found = {**count_calls(calls), **count_calls(with_rules, ', beside rules', INTERRUPT_INJECT=rules_of_others),
                 **count_python()}
    except (NotCounted, FileNotFoundError) as error:
        print(f'counts: {error}', file=sys.stderr)
        return 1
    zero = [name for name, count in found.items() if count == 0]
    if zero:
        print(f'counts: the library has had no part in {", ".join(zero)}: it was not preloaded, or did nothing', file=sys.stderr)
        return 1
    if options.update:
        with open(kept, 'w') as file:
            json.dump({'of': this, 'instructions': found}, file, indent=1)
            file.write('\n')
        print(f'{kept} has the figures of this build now')
        return 0
    grown = compare(found, before['instructions'])
    if grown:
        print(f'counts: {", ".join(grown)}: more than a tenth above what tests/bench/counts.json has. If it has to be, '
              'scripts/bench --counts --update keeps the new figures.', file=sys.stderr)
    return 1 if grown else 0


if __name__ == '__main__':
    sys.exit(main())
