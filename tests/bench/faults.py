"""The same faults by strace, by fiu-run and by interruptctl: whether the program then does the same, and what each costs.

    tests/bench/faults.py [--rounds N] [--seed N] [same|waiting|cost]      BUILD_DIR says where it was built

`same`: whether the program does the same. `waiting`: what becomes of threads that wait already. `cost` runs each program in each
way in turn, in another order each round, and prints the median of the ratios to the bare run of the same round, with the
quartiles: of the time, and of the processors' time of all processes. Without strace or fiu-run their columns are missing.
"""
import argparse
import contextlib
import os
import random
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

build = os.path.abspath(os.environ.get('BUILD_DIR', 'build'))
control = os.path.join(build, 'interruptctl')
patience = 60

reads = 'dd bs=1 count=6 status=none'
answers = '''perl -MSocket -e 'socketpair A, B, AF_UNIX, SOCK_STREAM, 0;
    for (1 .. 3) { syswrite B, $_; my $got = recv A, my $bytes, 1, 0; print defined $got ? $bytes : "$!", "\\n" }' '''
handled = '''perl -e '$SIG{USR1} = sub { print "handled\\n" };
    for (1 .. 4) { my $got = sysread STDIN, my $byte, 1; print $byte // "none", "\\n" }' '''
waits = '''perl -MTime::HiRes=time -e '$begin = time;
    $got = select undef, undef, undef, 0.5; print $got, time - $begin < 0.4 ? " early" : "", "\\n"' '''
changes = '''perl -e 'print chdir("/") ? "went\\n" : "$!\\n" for 1 .. 4' '''
# What, the program, strace's words, our rule, fiu-run's command; none: it has no such thing.
faults = [
    ('third `read`: EINTR', reads, ('read', 'error=EINTR', '3'), 'read:errno:EINTR:when=3', None),
    ('third `read`: EIO', reads, ('read', 'error=EIO', '3'), 'read:errno:EIO:when=3', None),
    ('first `read`: EIO', reads, ('read', 'error=EIO', '1'), 'read:errno:EIO:when=1', 'enable name=posix/io/rw/read,failinfo=5,onetime'),
    ('every second `read`: EINTR', reads, ('read', 'error=EINTR', '1+2'), 'read:errno:EINTR:when=1+2', None),
    ('all: EIO', reads, ('read', 'error=EIO', '1+'), 'read:errno:EIO', 'enable name=posix/io/rw/read,failinfo=5'),
    ('second to fifth: EINTR', reads, ('read', 'error=EINTR', '2..5'), 'read:errno:EINTR:when=2..5', None),
    ('third `read`: 0, the end', reads, ('read', 'retval=0', '3'), 'read:eof:when=3', None),
    ('second `recv`: ECONNRESET', answers, ('recvfrom', 'error=ECONNRESET', '2'), 'recv*:errno:ECONNRESET:when=2', None),
    ('`select`: its time is over', waits, ('select,pselect6', 'retval=0', '1'), 'select:timeout', None),
    ('third `read`: SIGUSR1', handled, ('read', 'signal=USR1', '3'), 'read:signal:USR1:when=3', None),
    ('third `chdir` and on: ENOENT (man page)', changes, ('chdir', 'error=ENOENT', '3+'), None, None),
    ('`open` of /dev/urandom: ENOENT (man page)', 'head -c 1 /dev/urandom', ('/dev/urandom file', 'error=ENOENT', '1+'),
     'open*:errno:ENOENT:force', 'enable name=posix/io/oc/open,failinfo=2'),
    ('`fread`, inside libc: EINTR', 'sort', ('read', 'error=EINTR', '1'), 'read:errno:EINTR', 'not tried'),
    ('each `read` 0.1 s later', reads, ('read', 'delay_enter=100ms', '1+'), None, None),
    ('`read` returns 1, unread', reads, ('read', 'retval=1', '2'), None, None),
]


def of_standard_input(calls):
    """strace counts every call of the process, those of the dynamic linker and of libc as well: -P narrows that."""
    path, _, names = calls.rpartition(' ')
    return [word for words in ([path] if path else []) for word in ('-P', words)], names


def run(command, directory, environment=None):
    """Standard input is a pipe with ten letters."""
    done = subprocess.run(['sh', '-c', command], input=b'abcdefghij', capture_output=True, cwd=directory, timeout=patience,
                          env={**os.environ, 'LC_ALL': 'C', 'PERL_BADLANG': '0', **(environment or {})})
    return done.returncode, done.stdout.decode(errors='replace'), done.stderr.decode(errors='replace')


def first_calls(command, names, directory):
    """How many such calls a program makes before it reads its input; so many more is strace to count."""
    run(f'strace -qq -o calls -e trace={names} {command}', directory)
    with open(os.path.join(directory, 'calls')) as calls:
        lines = [line for line in calls if re.match(f'({names.replace(",", "|")})\\(', line)]
    begins = [n for n, line in enumerate(lines) if line.startswith(('read(0,', 'recvfrom(', 'select(', 'pselect6(', 'chdir('))]
    return begins[0] if begins else 0


def shown(result):
    status, out, err = result
    lines = [line for line in (out + err).splitlines() if not line.startswith('interruptctl:')]
    return f'{status}: {" / ".join(lines)}'.strip()[:110]


def same_faults(directory):
    print('| fault | strace | interruptctl | fiu-run | the program then |\n|---|---|---|---|---|')
    for what, program, (calls, fault, when), rule, fiu in faults:
        narrowed, names = of_standard_input(calls)
        if narrowed:
            first, shift = '', 0
        else:
            shift = first_calls(program, names, directory)
        number = re.match(r'(\d+)(.*)', when)
        last = re.match(r'\.\.(\d+)', number[2])
        when = f'{int(number[1]) + shift}' + (f'..{int(last[1]) + shift}' if last else number[2])
        traced = ' '.join(['strace -qq -o trace', *narrowed, f'-e trace={names} -e inject={names}:{fault}:when={when}', program])
        by_strace = run(traced, directory)
        with open(os.path.join(directory, 'trace')) as trace:
            acted = re.search('INJECTED|DELAYED|--- SIGUSR1', trace.read())
        cells = ['yes' if acted else 'did not act']
        if rule is None:
            cells.append('no')
        else:
            by_us = run(f"{control} run --inject '{rule}' -- {program}", directory)
            cells.append('does not act' if by_us[2].startswith('interruptctl: ') else
                         'the same' if shown(by_us) == shown(by_strace) else f'other: {shown(by_us)}')
        if fiu in (None, 'not tried'):
            cells.append(fiu or 'no')
        elif not shutil.which('fiu-run'):
            cells.append('not installed')
        else:
            by_fiu = run(f"fiu-run -x -f '' -c '{fiu}' {program}", directory)
            cells.append('the same' if shown(by_fiu) == shown(by_strace) else f'other: {shown(by_fiu)}')
        print(f'| {what} | {" | ".join(cells)} | {shown(by_strace)} |', flush=True)


def in_state(tid, state):
    with open(f'/proc/{tid}/stat') as stat:
        return stat.read().rpartition(')')[2].split()[0] == state


def waiting(under, interrupt):
    """How the waits of three threads have ended, of which the second's is to be interrupted: `interrupt` has its process and it."""
    program = subprocess.Popen([*under, sys.executable, '-B', os.path.join(os.path.dirname(os.path.abspath(__file__)), 'waiting.py')],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        tids = program.stdout.readline().split()
        deadline = time.monotonic() + patience
        while not all(in_state(tid, 'S') for tid in tids) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)  # from the wait before their own calls to these
        interrupt(str(program.pid), tids[1])
        said, _ = program.communicate('', timeout=patience)
        return ', '.join(sorted(said.splitlines())) or 'none'
    finally:
        program.kill()
        program.wait()


def by_strace(*whom):
    def interrupt(pid, tid):
        named = [word.format(pid=pid, tid=tid) for word in whom]
        strace = subprocess.Popen(['strace', '-qq', '-o', '/dev/null', *named, '-e', 'trace=read', '-e',
                                   'inject=read:error=EINTR:when=1'], stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):  # it goes on tracing the others
            strace.wait(1)
        strace.terminate()
        strace.wait()
    return interrupt


def by_us(pid, tid):
    subprocess.run([control, 'interrupt', pid, tid, '--as', 'errno:EINTR'], check=True, stdout=subprocess.DEVNULL)


def waiting_threads():
    print('\n| one of three waiting threads, in `read`, is interrupted by | waits that ended |\n|---|---|')
    if shutil.which('strace'):
        print(f'| `strace -f -p PID -e inject=read:error=EINTR:when=1` | {waiting([], by_strace("-f", "-p", "{pid}"))} |')
        print(f'| `strace -p TID -e inject=…`, that thread alone | {waiting([], by_strace("-p", "{tid}"))} |')
    print(f'| `interruptctl interrupt PID TID` | {waiting([control, "run", "--"], by_us)} |', flush=True)


@contextlib.contextmanager
def redis(directory):
    """A server on a port of its own; nothing where it is not installed."""
    if not shutil.which('redis-server'):
        yield None
        return
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(['redis-server', '--bind', '127.0.0.1', '--port', str(port), '--save', '', '--dir', directory],
                              stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + patience
        while True:
            with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), 5):
                break
            if time.monotonic() > deadline or server.poll() is not None:
                sys.exit('faults.py: redis-server did not start')
            time.sleep(0.02)
        yield port
    finally:
        server.terminate()
        server.wait()


def ways(call, fiu_point):
    """How each way is run: with a fault that never acts, and with one call in a hundred that ends with EINTR."""
    rule = f'{call}:errno:EINTR:when='
    names = {'recv': 'recvfrom'}.get(call, call)
    found = {'bare': [], 'shim': [control, 'run', '--'],
             'shim, rule': [control, 'run', '--inject', f'{rule}1000000000', '--'],
             'shim, 1 %': [control, 'run', '--inject', f'{rule}100+100', '--']}
    if shutil.which('strace'):
        for name, options in ('strace', []), ('strace bpf', ['-f', '--seccomp-bpf']):
            strace = ['strace', '-qq', *options, '-o', '/dev/null', '-e', f'trace={names}', '-e', f'inject={names}:error=EINTR:when=']
            found[name] = [*strace[:-1], strace[-1] + '65535']
            found[name + ', 1 %'] = [*strace[:-1], strace[-1] + '100+100']
    if shutil.which('fiu-run'):
        found['fiu'] = ['fiu-run', '-x', '-f', '']
        found['fiu, 1 %'] = ['fiu-run', '-x', '-f', '', '-c', f'enable_random name={fiu_point},probability=0.01,failinfo=4']
    return found


def seconds_of(command, bytes_to_read):
    """Of the whole process, its start included; and of the processors. Its input stands in a pipe before it starts."""
    reader, writer = os.pipe()
    os.write(writer, b'\0' * bytes_to_read)
    os.close(writer)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    done = subprocess.run(command, stdin=reader, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=patience)
    took = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    os.close(reader)
    if done.returncode != 0:
        sys.exit(f'faults.py: {" ".join(command)} ended with {done.returncode}: {done.stderr.decode()[-200:]}')
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cost(directory, rounds, seed):
    loop = ('socketpair A, B, 1, 1, 0; for (1 .. 10000) { syswrite B, "x"; '
            'until (defined sysread A, $_, 1) { die $! unless $!{EINTR} } }')
    large = os.path.join(directory, 'large')
    with open(large, 'wb') as file:
        file.truncate(128 << 20)
    with redis(directory) as port:
        programs = [('`true`', ['true'], 'read', 'read', 0),
                    ('`dd bs=1`, 30,000 bytes of a pipe', ['dd', 'bs=1', 'status=none'], 'read', 'read', 30_000),
                    ('perl, 10,000 bytes through a socket', ['perl', '-MSocket', '-MErrno', '-e', loop], 'read', 'read', 0),
                    ('`cat` of a file of 128 MiB', ['cat', large], 'read', 'read', 0)]
        if port:
            programs.append(('`redis-cli -r 2000 ping`', ['redis-cli', '-p', str(port), '-r', '2000', 'ping'], 'recv', 'recv', 0))
        order = random.Random(seed)
        measured = {}
        for title, command, call, point, size in programs:
            run_by = ways(call, f'posix/io/{"net" if call == "recv" else "rw"}/{point}')
            measured[title] = {name: [] for name in run_by}
            for number in range(rounds + 1):  # the first is for the caches
                for name in order.sample(list(run_by), len(run_by)):
                    seconds = seconds_of(run_by[name] + command, size)
                    if number:
                        measured[title][name].append(seconds)
    for which, what in enumerate(['time', 'time of the processors']):
        print(f'\n{what}, {rounds} rounds, seed {seed}: ms bare, and how many times that otherwise\n')
        names = list(ways('read', ''))
        print(f'| program | {" | ".join(names)} |\n|---|{"---|" * len(names)}')
        for title, took in measured.items():
            bare = [both[which] for both in took['bare']]
            cells = [f'{statistics.median(bare) * 1000:.1f} ms']
            for name in names[1:]:
                low, middle, high = statistics.quantiles([one[which] / alone for one, alone in zip(took[name], bare)], n=4)
                cells.append(f'{middle:.2f} [{low:.2f}–{high:.2f}]')
            print(f'| {title} | {" | ".join(cells)} |', flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('what', nargs='?', choices=['same', 'waiting', 'cost'])
    options.add_argument('--rounds', type=int, default=21)
    options.add_argument('--seed', type=int, default=1)
    options = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and so end what was started
    with tempfile.TemporaryDirectory(prefix='faults-') as directory:
        if options.what in (None, 'same') and shutil.which('strace'):
            same_faults(directory)
        if options.what in (None, 'waiting'):
            waiting_threads()
        if options.what in (None, 'cost'):
            cost(directory, options.rounds, options.seed)


if __name__ == '__main__':
    main()
