"""The start of a program under the shim, beside a library that does nothing."""
import os
import time

from figures import Target, in_turn, pair_ratio, spread
from places import empty_library, environment, library


def starts(path, *arguments):
    """name of what is preloaded -> microseconds from the start to the end of the program."""
    def start(preload):
        its_environment = environment(preload)
        def once():
            began = time.perf_counter()
            pid = os.posix_spawn(path, [path, *arguments], its_environment)
            os.waitpid(pid, 0)
            return (time.perf_counter() - began) * 1e6
        return once
    return {'bare': start(''), 'empty': start(empty_library), 'shim': start(library)}


def run(report):
    for name, command, rounds, limit in (('true', ['/bin/true'], report.rounds(1000, 100), 40),
                                         ('python3 -c pass', ['/usr/bin/python3', '-c', 'pass'], report.rounds(100, 10), None)):
        times = in_turn(rounds, starts(*command))
        above = spread([shim - empty for shim, empty in zip(times['shim'], times['empty'])])
        report.add('start', name, 'us', {**{side: spread(values) for side, values in times.items()}, 'above empty': above},
                   ratio=pair_ratio(times['shim'], times['bare']), value=above['median'],
                   target=Target(limit, 'us above the empty library') if limit else None)
