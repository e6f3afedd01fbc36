"""Where things are, and processes that the parts start: with what preloaded, and ended by whom."""
import contextlib
import json
import os
import subprocess
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(os.path.dirname(here))
build = os.path.abspath(os.environ.get('BUILD_DIR', os.path.join(root, 'build')))
library = os.path.join(build, 'libinterrupt.so')
control = os.path.join(build, 'interruptctl')
empty_library = os.path.join(build, 'tests', 'bench', 'libbench_empty.so')
forwarder = os.path.join(build, 'tests', 'bench', 'libbench_forwarder.so')


def bench(name):
    return os.path.join(build, 'tests', 'bench', name)


def target(name):
    return os.path.join(build, 'tests', 'targets', name)


def environment(preload='', **more):
    """Without what the caller's has of the shim."""
    clean = {name: value for name, value in os.environ.items() if name != 'LD_PRELOAD' and not name.startswith('INTERRUPT_')}
    return {**clean, **({'LD_PRELOAD': preload} if preload else {}), **more}


def google_benchmark(program, *arguments, **more):
    """What a program of Google Benchmark's counted: name -> counters."""
    ended = subprocess.run([bench(program), '--benchmark_format=json', *arguments], env=environment(**more), check=True,
                           stdout=subprocess.PIPE, text=True)
    return {run['name'].rsplit('/iterations', 1)[0]: run for run in json.loads(ended.stdout)['benchmarks']}


def side(counters, name):
    """One side's spread, of a benchmark's counters."""
    return {what: counters[f'{name}.{what}'] for what in ('q1', 'median', 'q3', 'p99', 'max') if f'{name}.{what}' in counters}


def milliseconds(*command):
    """Of a whole command, its start included."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
    return (time.perf_counter() - began) * 1000


@contextlib.contextmanager
def process(*command, preload='', **options):
    """A process that is ended, and has said its first line (`ready`) by then. Standard input stays open until the end."""
    started = subprocess.Popen(command, env=options.pop('env', None) or environment(preload), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True, **options)
    try:
        started.first_line = started.stdout.readline().strip()
        if not started.first_line:
            raise RuntimeError(f'{command[0]} has said nothing')
        yield started
    finally:
        started.kill()
        started.communicate()


@contextlib.contextmanager
def server():
    """The socket of an interruptctl that serves."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, 'socket')
        with process(control, 'serve', '--socket', path):
            yield path
