"""The same work by others: libfiu preloaded, and strace, where both have a rule for another call; and what it takes to give a
running process a rule."""
import contextlib
import os
import shutil
import subprocess
import tempfile

from figures import in_turn, pair_ratio, spread
from places import bench, control, environment, library, milliseconds

calls = ('recv', 'read', 'write', 'send', 'poll', 'open')
fiu = '/usr/lib/fiu/fiu_run_preload.so /usr/lib/fiu/fiu_posix_preload.so'


class Side:
    """A process that makes a batch of calls for each line."""

    def __init__(self, prefix, its_environment):
        self.process = subprocess.Popen([*prefix, bench('ready_calls')], env=its_environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def batch(self, name):
        self.process.stdin.write(name + '\n')
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f'{" ".join(self.process.args)} has ended')
        return float(answer.split()[1])

    def end(self):
        self.process.communicate()


def fiu_environment(directory):
    return environment(fiu, FIU_ENABLE='', FIU_CTRL_FIFO=os.path.join(directory, 'control'))


def sides_of(directory):
    """Bare, and each way without a rule, with one for a call that is not made, and with one for these that does not act yet."""
    not_yet, strace_not_yet = 4_000_000_000, 60_000  # calls, of all kinds and of each; both know no more
    sides = {'bare': Side([], environment()), 'shim': Side([], environment(library))}
    for name, rule in (('for another', 'mq_send:errno:EIO'), ('for it', f'{",".join(calls)}:errno:EIO:when={not_yet}')):
        sides[f'shim, a rule {name}'] = Side([], environment(library, INTERRUPT_INJECT=rule))
    if os.path.exists(fiu.split()[0]):
        sides['libfiu'] = Side([], fiu_environment(directory))
        for name, point in (('for another', 'posix/mm/mmap'), ('for it', 'posix/io/*')):
            sides[f'libfiu, a rule {name}'] = Side([], {**fiu_environment(directory),
                                                        'FIU_ENABLE': f'enable_random name={point},probability=0'})
    if shutil.which('strace'):
        for name, traced in (('for another', 'mq_timedsend'), ('for it', 'recvfrom,read,write,sendto,poll,openat')):
            sides[f'strace, a rule {name}'] = Side(['strace', '-f', '--seccomp-bpf', '-e', f'trace={traced}', '-e',
                                                    f'inject={traced}:error=EIO:when={strace_not_yet}', '-o', '/dev/null'], environment())
    return sides


def cost(report, directory):
    sides = sides_of(directory)
    try:
        for name in calls:
            times = in_turn(report.rounds(50, 5), {side: (lambda it=it: it.batch(name)) for side, it in sides.items()})
            bare = times.pop('bare')
            for side, values in times.items():
                report.add('peers', side, 'ns', {'bare': spread(bare), 'with it': spread(values)},
                           ratio=pair_ratio(values, bare), mode=name)
    finally:
        for it in sides.values():
            it.end()


def control_latency(report, directory):
    """From the start of the command to its end, when the rule is in force."""
    with contextlib.ExitStack() as ended:
        ours = Side([], environment(library))
        ended.callback(ours.end)
        ours.batch('read')
        pid = str(ours.process.pid)
        sides = {'interruptctl inject': lambda: milliseconds(control, 'inject', pid, 'mq_send:errno:EIO'),
                 'true': lambda: milliseconds('true')}
        if shutil.which('fiu-ctrl'):
            theirs = Side([], fiu_environment(directory))
            ended.callback(theirs.end)
            theirs.batch('read')
            sides['fiu-ctrl'] = lambda: milliseconds('fiu-ctrl', '-f', os.path.join(directory, 'control'), '-c',
                                                     'enable name=posix/mm/mmap', str(theirs.process.pid))
        else:
            report.note('fiu-ctrl is missing: install fiu-utils')
        times = {name: [] for name in sides}
        for _ in range(report.rounds(50, 10)):
            for name, values in in_turn(1, sides).items():
                times[name] += values
            subprocess.run([control, 'inject', pid, '--clear'], check=True, stdout=subprocess.DEVNULL, env=environment())
        report.add('peers', 'a rule for a running process', 'ms', {name: spread(values) for name, values in times.items()})


def run(report):
    with tempfile.TemporaryDirectory() as directory:
        cost(report, directory)
        control_latency(report, directory)
