"""While a trace or a profile function is set, as by a debugger or a coverage tool, and in pdb itself."""
import io
import pdb

from feature import *

lines = []


def trace(frame, event, argument):
    lines.append(event)
    del lines[1000:]
    return trace


def profile(frame, event, argument):
    lines.append(event)
    del lines[1000:]


def compute():
    number = 0
    while True:
        number += abs(-1)


def sleep():
    time.sleep(LONG)


def take():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def debug():
    debugger = pdb.Pdb(stdin=io.StringIO('next\n' * 100000), stdout=io.StringIO(), nosigint=True)
    debugger.use_rawinput = False
    debugger.runcall(compute)


def caught(function, set_trace, set_profile):
    result = []

    def run():
        sys.settrace(set_trace)
        sys.setprofile(set_profile)
        try:
            function()
        except ThreadInterrupted:
            result.append(time.time())
        finally:
            sys.settrace(None)
            sys.setprofile(None)
    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.05)
    asked = time.time()
    interrupt(thread)
    thread.join(LONG)
    assert not thread.is_alive(), 'it is still there'
    assert len(result) == 1 and result[0] - asked < PROMPT, (function.__name__, result)


for function in (compute, sleep, take):
    for set_trace, set_profile in ((trace, None), (None, profile), (trace, profile)):
        for _ in range(3):
            caught(function, set_trace, set_profile)
    assert lines
    del lines[:]
caught(debug, None, None)
