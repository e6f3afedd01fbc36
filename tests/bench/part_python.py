"""What the shim costs each CPython, and how long an interrupt takes to the `except` clause.

The same interpreter runs bare and under the shim at the same time, and they do their batches in turn. Where things lie in memory
makes one process faster than the next, so this is done with several sets of processes; the ratio's spread is that of the sets.
`forwarder` does nothing but call the next recv() and read(): where the processor predicts returns badly after a system call,
that is most of what they cost.
"""
import glob
import json
import os
import statistics
import subprocess

from figures import Target, in_turn, spread
from part_startup import starts
from places import control, environment, forwarder, here, library

targets = {'acquire_release': 1.05, 'recv': 1.03, 'sleep': 1.05}
names = ('acquire_release', 'with_lock', 'recv', 'read', 'sleep')
preloads = {'bare': '', 'shim': library, 'forwarder': forwarder}


def pythons():
    return ['/usr/bin/python3', *sorted(glob.glob(os.path.expanduser('~/.pyenv/versions/3.*/bin/python3')))]


class Side:
    def __init__(self, python, preload):
        self.process = subprocess.Popen([python, '-B', os.path.join(here, 'python_batches.py')], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=environment(preload))

    def batch(self, name):
        self.process.stdin.write(name + '\n')
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def end(self):
        self.process.communicate()


def measure_set(python, rounds):
    """name -> side -> median of this set of processes."""
    sides = {name: Side(python, preload) for name, preload in preloads.items()}
    try:
        found = {}
        for name in names:
            times = in_turn(rounds, {side: (lambda it=it: it.batch(name)) for side, it in sides.items()})
            found[name] = {side: statistics.median(values) for side, values in times.items()}
        found['memory'] = {side: it.batch('memory') for side, it in sides.items()}
        return found
    finally:
        for it in sides.values():
            it.end()


def cost(report, python):
    sets = [measure_set(python, report.rounds(20, 5)) for _ in range(report.rounds(9, 2))]
    for name in names:
        sides = {side: spread([it[name][side] for it in sets]) for side in preloads}
        if name not in ('recv', 'read'):
            del sides['forwarder']
        report.add('python cost', name, 'ns', sides, ratio=spread([it[name]['shim'] / it[name]['bare'] for it in sets]),
                   mode=python, target=Target(targets[name]) if name in targets else None)
    added = spread([it['memory']['shim'] - it['memory']['bare'] for it in sets])
    report.add('python cost', 'memory added', 'KiB', {'shim': added}, mode=python)
    times = in_turn(report.rounds(40, 5), {side: start for side, start in starts(python, '-c', 'pass').items()})
    report.add('python cost', 'start', 'us', {side: spread(values) for side, values in times.items()}, mode=python,
               ratio=spread([shim / empty for shim, empty in zip(times['shim'], times['empty'])]))


def latency(report, python):
    ended = subprocess.run([python, '-B', os.path.join(here, 'python_waits.py'), str(report.rounds(15, 3)), control],
                           env=environment(library), check=True, stdout=subprocess.PIPE, text=True)
    for line in ended.stdout.splitlines():
        name, times = json.loads(line)
        report.add('python latency', name, 'ms', {way: spread(values) for way, values in times.items()}, mode=python)


def run(report):
    for python in report.pythons or pythons():
        cost(report, python)
        latency(report, python)
