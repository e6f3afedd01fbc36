"""What the shim adds to calls that need not wait, beside libc's own function in the same process."""
from figures import Target
from places import google_benchmark, side

# Arguments and environment of the process. A mode is a line here.
modes = {
    '': ([], {}),
    'rules that do not match': ([], {'INTERRUPT_INJECT': 'recv:eof:thread=nobody;poll:timeout:when=1000000000;mq_receive:errno:EIO:fd=999'}),
    'recorded, but too short': (['--recorded=1000'], {}),
    'recorded': (['--recorded=0'], {}),
}
targets = {**dict.fromkeys(('recv', 'read', 'poll', 'write', 'send'), 1.03), 'sem_wait': 1.15, 'pthread_cond_wait': 1.02,
           'pthread_cond_timedwait': 1.02, 'pthread_cond_clockwait': 1.02}


def run(report):
    pairs = report.rounds(400, 40)
    for mode, (arguments, environment) in modes.items():
        for threads, more in (('one thread', []), ('two threads', ['--threads'])):
            counted = google_benchmark('fast_path_bench', f'--pairs={pairs}', *arguments, *more, **environment)
            for name, counters in counted.items():
                target = Target(targets[name]) if name in targets and not mode else None
                report.add('fast path', name, 'ns', {which: side(counters, which) for which in ('bare', 'shim')},
                           ratio=side(counters, 'ratio'), mode=f'{threads}, {mode}' if mode else threads, target=target)
