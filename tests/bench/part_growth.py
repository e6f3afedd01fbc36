"""What grows with the number of threads and of processes: latency, listing, interrupting all, memory."""
import contextlib
import re
import subprocess

from figures import Target, in_turn, spread
from places import control, google_benchmark, library, milliseconds, process, side, target


def memory(pid):
    """Bytes of what the process has written, its table among them: what it has only read is the page cache's, and shared."""
    with open(f'/proc/{pid}/smaps_rollup') as lines:
        text = lines.read()
    found = re.search(r'^Pss_Dirty:\s*(\d+)', text, re.MULTILINE) or re.search(r'^Private_Dirty:\s*(\d+)', text, re.MULTILINE)
    return 1024 * int(found.group(1))


@contextlib.contextmanager
def crowd(count, preload):
    """A process with so many threads in poll."""
    with process(target('crowd'), str(count), preload=preload) as it:
        if it.first_line != 'ready':
            raise RuntimeError(f'crowd: {it.first_line}')
        if preload:
            subprocess.run([control, 'wait', str(it.pid), '--in', 'poll', '--count', str(count), '--timeout', '60'], check=True,
                           stdout=subprocess.DEVNULL)
        yield it


def threads(report):
    counts = (1, 10, 100, 1000, 10_000)
    added = {}
    for count in counts:
        few = report.rounds(20, 5)
        largest = count == counts[-1]
        with crowd(count, '') as bare, crowd(count, library) as it:
            added[count] = memory(it.pid) - memory(bare.pid)
            pid = str(it.pid)
            listing = in_turn(few, {'threads': lambda: milliseconds(control, 'threads', pid),
                                    'one': lambda: milliseconds(control, 'interrupt', pid, '--main', '--timeout', '0', '--sticky')})
            subprocess.run([control, 'clear', pid, pid], check=True, stdout=subprocess.DEVNULL)
            all_of_them = milliseconds(control, 'interrupt', pid, '--in', 'poll', '--timeout', '60')
        mode = f'{count} threads'
        of_listing, of_one = spread(listing['threads']), spread(listing['one'])
        report.add('growth', 'interruptctl threads', 'ms', {'shim': of_listing}, mode=mode,
                   target=Target(50, 'ms') if largest else None, value=of_listing['median'])
        report.add('growth', 'interrupt one, sticky', 'ms', {'shim': of_one}, mode=mode)
        report.add('growth', 'interrupt all', 'ms', {'shim': spread([all_of_them])}, mode=mode,
                   target=Target(1000, 'ms') if largest else None, value=all_of_them)
        report.add('growth', 'memory added', 'KiB', {'shim': spread([added[count] / 1024])}, mode=mode,
                   target=Target(64, 'KiB') if count == 1 else None, value=added[count] / 1024)
    a_thread = (added[counts[-1]] - added[1]) / (counts[-1] - 1)
    report.add('growth', 'memory of a thread', 'bytes', {'shim': spread([a_thread])}, target=Target(256, 'bytes'), value=a_thread)


def latency(report):
    """Of one thread, beside so many others that wait."""
    medians = {}
    for count in (0, 10, 100, 1000, 10_000):
        counted = google_benchmark('latency_bench', f'--rounds={report.rounds(1000, 100)}', f'--crowd={count}',
                                   '--benchmark_filter=latency')['latency']
        for way in ('thread', 'process'):
            sides = {'floor': side(counted, f'floor tgkill/{way}'), 'shim': side(counted, f'recv/{way}')}
            medians[way, count] = sides['shim']['median']
            ratio = medians[way, count] / medians[way, 0]
            report.add('growth', f'recv, by {way}', 'us', sides, mode=f'beside {count} threads',
                       target=Target(1.2, 'of that with one') if count == 10_000 else None, value=ratio)


def processes(report):
    for count in (1, 10, 100):
        with contextlib.ExitStack() as all_of_them:
            sides = {}
            for name, preload in (('bare', ''), ('shim', library)):
                started = [all_of_them.enter_context(process(target('patient'), '1', preload=preload)) for _ in range(count)]
                sides[name] = sum(memory(it.pid) for it in started) / count
            listing = spread([milliseconds(control, 'ps') for _ in range(report.rounds(20, 5))])
        added = (sides['shim'] - sides['bare']) / 1024
        report.add('growth', 'interruptctl ps', 'ms', {'shim': listing}, mode=f'{count} processes')
        report.add('growth', 'memory of a process', 'KiB', {'shim': spread([added])}, mode=f'{count} processes',
                   target=Target(64, 'KiB'), value=added)


def run(report):
    threads(report)
    processes(report)
    latency(report)
