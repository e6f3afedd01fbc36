"""One wait as the files waits_*.py describe it: in a worker and in the main thread, usable afterwards, and undisturbed."""
import time

from support import *

cases = {}


class Case(object):
    call = None         # the libc call in which it waits
    wait = None         # wait(limit); only a timed one looks at the limit
    timed = False       # it ends by its own time limit, with `result`
    end = None          # ends the wait, from another thread
    result = None       # what it then returns
    check = None        # ... or what is to be true of that
    exact = True        # it makes `call` once: it is interrupted there, and not a moment later

    def right(self, result):
        return self.check(result) if self.check else result == self.result


def case(call):
    def add(set_up):
        name = set_up.__name__

        def run():
            run_case(set_up, call)
        cases[name] = run
        return set_up
    return add


def natural_end(it):
    """The wait comes to its natural end, with the right result."""
    start = time.time()
    if it.timed:
        try:
            result = it.wait(0.2)
        except Exception as error:
            result = type(error)
        assert time.time() - start >= 0.19, 'it ended early'
    else:
        tid = gettid()

        def end():
            await_blocked(tid, it.call)
            it.end()
        ender = Running(end)
        result = it.wait(LONG)
        ender.result()
    assert it.right(result), result


def run_case(set_up, call):
    def fresh():
        it = Case()
        it.call = call
        set_up(it)
        return it

    if under_shim:
        it = fresh()
        Running(delivered_to, lambda: it.wait(LONG), call, PROMPT, it.exact).result()
        delivered_to(lambda: it.wait(LONG), call, PROMPT, it.exact)
        natural_end(it)
    natural_end(fresh())
