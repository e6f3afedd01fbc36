"""What interruptctl takes for a process with many threads: the best of some runs, in ms of the clock and of the processors.

    tests/bench/crowd.py [THREADS]      BUILD_DIR says where it was built
"""
import os
import resource
import subprocess
import sys
import time

build = os.path.abspath(os.environ.get('BUILD_DIR', 'build'))
control = os.path.join(build, 'interruptctl')


def start(count):
    environment = dict(os.environ, LD_PRELOAD=os.path.join(build, 'libinterrupt.so'))
    crowd = subprocess.Popen([os.path.join(build, 'tests', 'targets', 'crowd'), str(count)], env=environment,
                             stdout=subprocess.PIPE, text=True)
    said = crowd.stdout.readline().strip()
    if said != 'ready':
        sys.exit(f'crowd: {said}')
    subprocess.run([control, 'wait', str(crowd.pid), '--in', 'poll', '--count', str(count), '--timeout', '60'], check=True,
                   stdout=subprocess.DEVNULL)
    return crowd


def measure(*arguments):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    subprocess.run([control, *arguments], check=True, stdout=subprocess.DEVNULL)
    clock = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock * 1000, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def show(name, runs):
    print(f'{name:<28}{min(clock for clock, _ in runs):>8.0f}{min(cpu for _, cpu in runs):>8.0f}', flush=True)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(f'{count} threads{"":<16}{"clock":>8}{"cpu":>8}')
    crowd = start(count)
    try:
        pid = str(crowd.pid)
        show('threads', [measure('threads', pid) for _ in range(10)])
        show('threads --json', [measure('threads', pid, '--json') for _ in range(5)])
        show(f'wait --count {count}', [measure('wait', pid, '--in', 'poll', '--count', str(count)) for _ in range(5)])
        show('interrupt one', [measure('interrupt', pid, '--main', '--timeout', '0', '--sticky') for _ in range(5)])
        measure('clear', pid, pid)
    finally:
        crowd.kill()
        crowd.wait()
    runs = []
    for _ in range(3):
        crowd = start(count)
        runs.append(measure('interrupt', str(crowd.pid), '--in', 'poll', '--timeout', '60'))
        print(f'    {crowd.stdout.readline().strip()}')
        crowd.wait()
    show('interrupt --in poll', runs)


if __name__ == '__main__':
    main()
