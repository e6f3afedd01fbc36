"""Exceptions that are on their way when a critical section begins. Without the shim there is no such thing."""
from feature import *

if not under_shim:
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..', 'control', 'python'))
from libinterrupt import critical_section

REQUESTS = 300
done = False
inside = False
caught = 0
caught_inside = 0
sections = 0


def compute():
    """What is in there is run by the bytecode loop, and by C code with the GIL and without it."""
    global inside, sections
    with critical_section():
        inside = True
        sum(range(50))
        with critical_section():
            for _ in range(50):
                pass
        time.sleep(0)
        sorted(range(100), key=str)
        sections += 1
        inside = False
    for _ in range(20):
        pass


def work():
    global inside, caught, caught_inside
    while not done:
        try:
            compute()
        except ThreadInterrupted:
            caught_inside += inside
            inside = False
            caught += 1


with critical_section():
    pass
worker = threading.Thread(target=work)
worker.start()
for number in range(1, REQUESTS + 1):
    interrupt(worker)
    until(lambda: caught >= number, 'caught')
    assert caught == number, 'raised twice'
done = True
worker.join()
assert caught == REQUESTS and caught_inside == 0, (caught, caught_inside)
assert sections > 0
