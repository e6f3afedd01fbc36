"""periodic_checkpoint(every=N): interrupted at the N-th tick() and nowhere else."""
import libinterrupt
from feature import *

counts = []


def count(checkpoint):
    with libinterrupt.mask('on_blocking'):
        number = 0
        try:
            while True:
                number += 1
                checkpoint.tick()
        except ThreadInterrupted:
            counts.append(number)


for every in (1, 7, 1000):
    worker = threading.Thread(target=count, args=(libinterrupt.periodic_checkpoint(every=every),))
    worker.start()
    time.sleep(0.05)
    libinterrupt.interrupt(worker)
    worker.join(LONG)
    assert len(counts) == 1 and counts[0] % every == 0, (every, counts)
    del counts[:]

with libinterrupt.mask('on_blocking'), libinterrupt.periodic_checkpoint() as checkpoint:
    assert checkpoint.every == 1000
    libinterrupt.interrupt(threading.get_ident())
    for _ in range(999):
        checkpoint()
    try:
        checkpoint()
    except ThreadInterrupted:
        counts.append(1)
    for _ in range(2000):
        checkpoint.tick()
assert counts == [1]
