"""interrupt(recursive=True): also the threads that the thread started, and theirs; nobody else."""
import libinterrupt
from feature import *

waiting = {}


def parent_of(*names):
    """A thread that starts a thread for each name, then waits."""
    def run():
        for name in names:
            waiting[name] = Waiting(name, families[name])
        time.sleep(LONG)
    return run


families = {
    'child': parent_of('grandchild', 'other grandchild'),
    'childless': parent_of(),
    'grandchild': parent_of(),
    'other grandchild': parent_of(),
    'stranger': parent_of('child of a stranger'),
    'child of a stranger': parent_of(),
}

stranger = Waiting('stranger', families['stranger'])
parent = Waiting('parent', parent_of('child', 'childless'))
until(lambda: len(waiting) == 5, 'all started')
for each in waiting.values():
    await_blocked(each.tid)
await_blocked(parent.tid)

asked = time.time()
libinterrupt.interrupt(parent.thread, recursive=True)
for each in [parent] + [waiting[name] for name in ('child', 'childless', 'grandchild', 'other grandchild')]:
    assert each.check(asked) is None, each.check(asked)
assert stranger.thread.is_alive() and waiting['child of a stranger'].thread.is_alive()

asked = time.time()
libinterrupt.interrupt(stranger.thread)
assert stranger.check(asked) is None
assert waiting['child of a stranger'].thread.is_alive() and not libinterrupt.is_interrupted(waiting['child of a stranger'].tid)
libinterrupt.interrupt(waiting['child of a stranger'].tid)
assert waiting['child of a stranger'].check(asked) is None

# The caller itself is the last one.
family = []
caught = []


def interrupt_all():
    family.extend([Waiting('first', lambda: time.sleep(LONG)), Waiting('second', lambda: time.sleep(LONG))])
    try:
        libinterrupt.interrupt(threading.current_thread(), recursive=True)
        time.sleep(LONG)
    except ThreadInterrupted:
        caught.append(True)


asked = time.time()
own = threading.Thread(target=interrupt_all)
own.start()
own.join(LONG)
assert caught == [True]
assert [each.check(asked) for each in family] == [None, None]
