"""How many requests one thread can make in a second, each when the one before has been delivered."""
from figures import spread
from places import google_benchmark


def run(report):
    milliseconds = report.rounds(1000, 200)
    runs = {}
    for _ in range(report.rounds(5, 2)):
        for name, counters in google_benchmark('latency_bench', f'--rounds={milliseconds}', '--benchmark_filter=rate').items():
            runs.setdefault(name, []).append(counters['requests_a_second'])
    for name, values in runs.items():
        report.add('rate', name.removeprefix('rate, '), 'requests a second', {'shim': spread(values)})
