"""From a request to the wait's return, asked for by a thread of the process, by another process and by the socket, beside the
floors; and what the command takes as a whole, its own start included."""
import subprocess

from figures import Target, in_turn, spread
from places import control, google_benchmark, library, milliseconds, process, server, side, target

ways = {'thread': ('floor tgkill/thread', 1.05), 'process': ('floor tgkill/process', 1.10), 'serve': ('floor tgkill/process', None)}


def run(report):
    with server() as socket:
        counted = google_benchmark('latency_bench', f'--rounds={report.rounds(3000, 200)}', f'--serve={socket}',
                                   '--benchmark_filter=latency')['latency']
    sides = {name.rsplit('.', 1)[0]: None for name in counted if name.endswith('.median')}
    sides = {name: side(counted, name) for name in sides}
    for name, of_it in sides.items():
        if name.startswith('floor'):
            report.add('latency', name, 'us', {'floor': of_it}, mode='the floors')
    for way, (floor, limit) in ways.items():
        for name, of_it in sides.items():
            if name.endswith('/' + way) and not name.startswith('floor'):
                ratio = of_it['median'] / sides[floor]['median']
                report.add('latency', name.split('/')[0], 'us', {'floor': sides[floor], 'shim': of_it}, mode=f'by {way}',
                           target=Target(limit, 'of the floor') if limit else None, value=ratio)
                if limit:
                    report.add('latency', name.split('/')[0] + ', p99', 'us',
                               {'floor': single(sides[floor]['p99']), 'shim': single(of_it['p99'])}, mode=f'by {way}',
                               target=Target(1.5, 'of the floor'), value=of_it['p99'] / sides[floor]['p99'])
    every_call(report)
    whole_command(report)


def every_call(report):
    counted = google_benchmark('latency_rows_bench', f'--rounds={report.rounds(50, 5)}')
    for name, counters in counted.items():
        sides = {which: side(counters, which) for which in ('floor', 'shim')}
        report.add('latency', name, 'us', sides, mode='every call, by thread')


def single(value):
    return spread([value])


def whole_command(report):
    with process(target('patient'), '1', preload=library) as patient:
        subprocess.run([control, 'wait', str(patient.pid), '--in', 'poll'], check=True, stdout=subprocess.DEVNULL)
        listed = subprocess.run([control, 'threads', str(patient.pid)], capture_output=True, text=True, check=True).stdout
        tid = next(line.split()[0] for line in listed.splitlines() if ' poll' in line)
        times = in_turn(report.rounds(100, 20), {
            'interrupt': lambda: milliseconds(control, 'interrupt', str(patient.pid), tid),
            'true': lambda: milliseconds('true'),
        })
    sides = {name: spread(values) for name, values in times.items()}
    report.add('latency', 'interruptctl interrupt', 'ms', sides, mode='the whole command', target=Target(3, 'ms'),
               value=sides['interrupt']['median'])

