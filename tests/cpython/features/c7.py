"""run_interruptible(coroutine): cancelled cleanly in a worker and in the main thread."""
import asyncio

import libinterrupt
from feature import *

events = []
main_tid = libc.gettid()


class Resource:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *exception):
        await asyncio.sleep(0.01)
        events.append('released')


async def background():
    try:
        await asyncio.sleep(LONG)
    finally:
        events.append('background ended')


async def coroutine():
    other = asyncio.ensure_future(background())
    try:
        async with Resource():
            await asyncio.sleep(LONG)
    except asyncio.CancelledError:
        events.append('cancelled')
        raise
    finally:
        events.append('finally')


def run(make, **keywords):
    """What it returns or raises, interrupted as soon as the loop waits."""
    tid = libc.gettid()
    ident = threading.get_ident()

    def interrupt_it():
        await_blocked(tid)
        libinterrupt.interrupt(ident, **keywords)
    helper = threading.Thread(target=interrupt_it)
    helper.start()
    try:
        return libinterrupt.run_interruptible(make())
    except BaseException as error:
        return error
    finally:
        helper.join()


def check_cancelled():
    del events[:]
    start = time.time()
    error = run(coroutine)
    assert type(error) is ThreadInterrupted and error.__context__ is None, repr(error)
    assert time.time() - start < PROMPT
    assert events == ['released', 'cancelled', 'finally', 'background ended'], events
    assert not libinterrupt.is_interrupted()


async def suppresses():
    try:
        await asyncio.sleep(LONG)
    except asyncio.CancelledError:
        await asyncio.sleep(0.01)
        return 'result'


async def fails():
    try:
        await asyncio.sleep(LONG)
    finally:
        raise KeyError


async def leaves_a_stubborn_task():
    async def stubborn():
        try:
            await asyncio.sleep(LONG)
        finally:
            try:
                await asyncio.sleep(LONG)
            finally:
                events.append('stubborn ended')
    task = asyncio.ensure_future(stubborn())
    await asyncio.sleep(0)
    return 'result'


async def blocks():
    with libinterrupt.mask('none'):
        time.sleep(LONG)


def check_in_this_thread():
    check_cancelled()
    check_cancelled()
    assert run(suppresses) == 'result'
    assert type(run(fails)) is KeyError
    error = run(coroutine, exception=TimeoutError)
    assert isinstance(error, TimeoutError) and isinstance(error, ThreadInterrupted), repr(error)
    assert type(run(leaves_a_stubborn_task)) is ThreadInterrupted and events[-1] == 'stubborn ended'
    assert type(run(blocks)) is ThreadInterrupted
    time.sleep(0.01)


failed = []


def in_worker():
    try:
        check_in_this_thread()
    except BaseException as error:
        failed.append(error)
        raise


worker = threading.Thread(target=in_worker)
worker.start()
worker.join(LONG)
assert not worker.is_alive() and not failed, failed
check_in_this_thread()


# As asyncio.run() without interrupts.
async def returns(value):
    await asyncio.sleep(0)
    return value


async def raises(error):
    raise error


async def debugging():
    return asyncio.get_event_loop().get_debug()


async def nested():
    inner = returns(1)
    try:
        return libinterrupt.run_interruptible(inner)
    finally:
        inner.close()


def error_of(*arguments):
    try:
        return libinterrupt.run_interruptible(*arguments)
    except BaseException as error:
        return type(error)


assert error_of(returns(5)) == 5
assert error_of(raises(KeyError())) is KeyError and error_of(raises(KeyboardInterrupt())) is KeyboardInterrupt
assert error_of(raises(asyncio.CancelledError())) is asyncio.CancelledError
assert error_of(nested()) is RuntimeError and error_of(5) is ValueError
assert libinterrupt.run_interruptible(debugging(), debug=True) is True

# A section that was entered outside stays one.
async def short():
    libinterrupt.interrupt(threading.get_ident())
    await asyncio.sleep(0.01)
    return 'result'
try:
    with libinterrupt.critical_section():
        assert libinterrupt.run_interruptible(short()) == 'result'
        events.append('end of the section')
    raise AssertionError('nothing was raised')
except ThreadInterrupted:
    assert events[-1] == 'end of the section'
