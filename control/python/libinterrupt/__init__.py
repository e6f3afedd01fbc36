"""Interrupts threads of this process while they wait, wherever they wait.

An interrupted thread raises ThreadInterrupted at the call in which it is blocked, or between two bytecodes. The program
must run under the shim, libinterrupt.so: `interruptctl run PROGRAM ARGS...`, or LD_PRELOAD. There this module can be
imported with nothing installed. Where it has been installed and the shim is not loaded, available() is False,
ThreadInterrupted can be named all the same, and the calls raise RuntimeError, which says what to do.

    with libinterrupt.critical_section():   # what comes in here is raised when the block is left
        ...
    libinterrupt.interrupt(thread)          # a threading.Thread, an ident or a native id

Threads of the main interpreter alone can be interrupted and can use it.
"""
import errno as _errno
import sys as _sys
from _thread import get_ident as _get_ident

__all__ = ['InterruptibleThread', 'ThreadInterrupted', 'available', 'check_interrupt', 'clear_interrupt',
           'critical_section', 'interrupt', 'interrupts_disabled', 'is_interrupted', 'mask', 'periodic_checkpoint',
           'run_interruptible', 'wakeup_fd']

__version__ = '0.1.0'


class _Unavailable:
    """In place of the native module where there is none."""

    def __getattr__(self, name):
        with open('/proc/self/maps', errors='replace') as maps:
            loaded = any('/libinterrupt.so' in line for line in maps)
        if loaded:
            import os
            raise RuntimeError('libinterrupt.so is loaded, but it has left this Python interpreter alone: '
                               '`interruptctl doctor %d` says why' % os.getpid())
        raise RuntimeError('the shim, libinterrupt.so, is not loaded in this process: start the program by '
                           '`interruptctl run PROGRAM ARGS...`, or with LD_PRELOAD=/path/to/libinterrupt.so')


try:
    from _imp import get_frozen_object as _native_by_name
    _native = _native_by_name('libinterrupt.native')
    ThreadInterrupted = _native.ThreadInterrupted
    del _native_by_name
except ImportError:
    _native = _Unavailable()

    class ThreadInterrupted(BaseException):
        """Raised in a thread that was interrupted, at the call in which it waited or between two bytecodes.

        It is no Exception, so that `except Exception` does not swallow it.
        """


def available():
    """Whether threads of this program can be interrupted: the shim is loaded and serves this interpreter.

    Where it is False, every other call raises RuntimeError.
    """
    return not isinstance(_native, _Unavailable)


# --- which thread

def _describe(thread):
    return 'the thread %r' % getattr(thread, 'name', thread)


def _native_id(thread):
    """The native id of a Thread, of an ident or of a native id; the last two need not be of a living thread."""
    own = _native.native_id
    threading = _sys.modules.get('threading')
    if threading is not None and isinstance(thread, threading.Thread):
        ident = thread.ident
        if ident is None:
            raise RuntimeError('%s has not been started' % _describe(thread))
        if not thread.is_alive():
            raise RuntimeError('%s has ended' % _describe(thread))
        return own(ident) or getattr(thread, 'native_id', None) or 0
    if not isinstance(thread, int) or isinstance(thread, bool):
        raise TypeError('a thread is given as a threading.Thread, its ident or its native id, not as %s'
                        % type(thread).__name__)
    if not 0 < thread < 1 << 63:
        return 0
    tid = own(thread) or thread
    return tid if tid < 1 << 31 else 0


def _no_such_thread(thread):
    if isinstance(thread, int):
        return ValueError('%d is neither the ident nor the native id of a living thread of this process' % thread)
    return RuntimeError('%s has ended' % _describe(thread))


# --- interrupting

def interrupt(thread, *, recursive=False, exception=None):
    """Asks that a thread be interrupted, and returns at once.

    The thread raises ThreadInterrupted where it waits, or between two bytecodes; if it defers interrupts, once it no
    longer does. Requests that arrive before that coalesce: one exception is raised, and the newest class wins,
    unless the one before is on its way already.

    thread: a threading.Thread, an ident (threading.get_ident()) or a native id (threading.get_native_id()). It may be
        the calling thread or the main one.
    recursive: also the threads that it has started, and those that they have started, as far as they live.
    exception: the class to raise instead, which must be made without arguments. `except ThreadInterrupted` catches it
        as well as `except` of that class.

    TypeError: not a thread; not a class of exceptions. ValueError: no living thread of this process has that number.
    RuntimeError: the thread has not been started, or has ended; there is no room for it or for one more class; there is
    no shim.
    """
    root = _native_id(thread)
    if exception is ThreadInterrupted:
        exception = None
    _check_class(exception)
    if not root:
        raise _no_such_thread(thread)
    own = _native.native_id(_get_ident())
    sent = set()
    first_error = None
    waiting = _family(root) if recursive else [root]
    # Not the caller yet: it could not go on. Once a thread is interrupted it may have started another one meanwhile.
    while waiting:
        for tid in waiting:
            sent.add(tid)
            if tid != own:
                error = _native.interrupt(tid, exception)
                if tid == root:
                    _raise_error(error, thread)
                elif error != _errno.ESRCH:
                    first_error = first_error or error
        waiting = [tid for tid in _family(root) if tid not in sent] if recursive else []
    if own in sent:
        _raise_error(_native.interrupt(own, exception), thread)
    _raise_error(first_error, thread)


def _family(root):
    """A thread and those that descend from it, parents first."""
    family = [root]
    for tid in family:
        family.extend(child for child in _native.started_by(tid) if child not in family)
    return family


def _check_class(exception):
    if exception is None:
        return
    if not isinstance(exception, type) or not issubclass(exception, BaseException):
        raise TypeError('the exception must be a class that derives from BaseException, not %r' % (exception,))
    try:
        exception()
    except Exception as error:
        raise TypeError('%s cannot be made without arguments, so it cannot be raised in another thread: %s'
                        % (exception.__name__, error)) from None


def _raise_error(error, thread):
    if not error:
        return
    if error == _errno.ESRCH:
        raise _no_such_thread(thread)
    if error == _errno.EAGAIN:
        raise RuntimeError('the table of threads has no room for %s: start the program with a larger '
                           'INTERRUPT_CAPACITY' % _describe(thread))
    if error == _errno.ENOSPC:
        raise RuntimeError('too many different classes of exceptions have been used to interrupt threads')
    if error == _errno.EPERM:
        raise RuntimeError('the shim may not interrupt threads of this process: `interruptctl doctor` says why')
    raise OSError(error, 'the thread could not be interrupted')


def is_interrupted(thread=None):
    """Whether an interrupt is pending for a thread (None: the calling one): asked for and not raised yet.

    thread, TypeError, ValueError, RuntimeError: as interrupt() says.
    """
    if thread is None:
        return _native.pending(_native.native_id(_get_ident())) == 1
    tid = _native_id(thread)
    pending = _native.pending(tid) if tid else -1
    if pending < 0:
        raise _no_such_thread(thread)
    return pending == 1


def clear_interrupt():
    """Takes back what is pending for the calling thread; True if something was. It will not be raised then."""
    return _native.clear()


def check_interrupt():
    """Raises what is pending for the calling thread: ThreadInterrupted, or the class asked for. Otherwise returns None.

    Nothing is raised while the thread defers all interrupts.
    """
    _native.check()


class periodic_checkpoint:
    """An interruption point in a loop, at every `every`-th tick(); calling the object is the same as tick().

        checkpoint = periodic_checkpoint(every=100)
        for item in items:
            checkpoint.tick()

    For loops under mask('on_blocking'), or which are to be interrupted at that point rather than anywhere. It is also a
    context manager, which gives itself. TypeError, ValueError: `every` is not a positive integer.
    """

    __slots__ = 'every', '_left'

    def __init__(self, every=1000):
        _native.check
        if not isinstance(every, int) or isinstance(every, bool):
            raise TypeError('every must be an integer, not %s' % type(every).__name__)
        if every < 1:
            raise ValueError('every must be positive, not %d' % every)
        self.every = self._left = every

    def tick(self):
        """Counts; at every `every`-th call does what check_interrupt() does, and may raise ThreadInterrupted."""
        self._left -= 1
        if self._left <= 0:
            self._left = self.every
            _native.check()

    __call__ = tick

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        return None


# --- deferring

_ON_BLOCKING = 1
_ALL = 2
_MODES = {'none': 0, 'on_blocking': _ON_BLOCKING, 'all': _ALL}
_Method = type(_Unavailable().__getattr__)


class mask:
    """A context manager, and a decorator of functions, that sets where the calling thread can be interrupted.

    mode: 'none' defers nothing: between two bytecodes and in blocking calls.
          'on_blocking': in blocking calls and at check_interrupt() only, never between two bytecodes.
          'all' defers everything: requests stay pending.

    Leaving it sets the mode that was there before. What is pending and no longer deferred is raised there and then, by
    `with` itself, once. That also holds for an exception that was already on its way to the thread when the mode was
    set. It may be nested, used again, and used by several threads. The mode is the thread's: a block with `await` or
    `yield` in it defers for whatever runs meanwhile. `as` gives the mode before, by its place in the list above.

    ValueError: no such mode. OSError (ENOMEM), raised by `with`: modes that differ are nested more than 16 deep.
    """

    # What `with` calls is written in C, so that a KeyboardInterrupt, which comes between two bytecodes, cannot come
    # between the change of the mode and its being remembered.
    __slots__ = '__enter__', '__exit__'

    def __init__(self, mode):
        enter = _native.enter_mask
        if mode not in _MODES:
            raise ValueError("the mode is 'none', 'on_blocking' or 'all', not %r" % (mode,))
        self.__enter__ = _Method(enter, _MODES[mode])
        self.__exit__ = _native.leave_mask

    def __call__(self, function):
        from functools import wraps
        from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
        if isgeneratorfunction(function) or iscoroutinefunction(function) or isasyncgenfunction(function):
            raise TypeError('%s would have returned before its body runs: use `with` inside it' % function.__qualname__)

        @wraps(function)
        def masked(*arguments, **keywords):
            with self:
                return function(*arguments, **keywords)
        return masked


def critical_section():
    """A context manager in which the calling thread is not interrupted: mask('all').

    What is asked for meanwhile is raised once, at the end of the outermost block.
    """
    return mask('all')


interrupts_disabled = critical_section


# --- event loops

def wakeup_fd():
    """A descriptor that is readable exactly while an interrupt of the calling thread is pending, deferred or not.

    For an event loop of the program's own. It is the same one at each call of a thread, and is closed when the thread
    ends. Never read from it: check_interrupt() and clear_interrupt() make it unreadable. OSError: there is none left.
    """
    return _native.wakeup_fd()


def run_interruptible(coroutine, *, debug=None):
    """asyncio.run(coroutine, debug=debug), on 3.6 too, for a thread that may be interrupted meanwhile.

    The main task is cancelled then: the coroutine sees asyncio.CancelledError where it awaits and is unwound, and so
    are the other tasks; then ThreadInterrupted, or the class asked for, is raised here. If the coroutine suppresses the
    cancellation and returns, its result is returned. An interrupt that comes while the other tasks are being unwound
    cancels them once more.

    While the loop runs, the thread defers interrupts otherwise: a coroutine that blocks the loop is not interrupted
    unless it does so within mask('none'). Called inside critical_section(), it cancels nothing.

    RuntimeError: an event loop is running in this thread. ValueError: not a coroutine. OSError: no descriptor is left.
    """
    _native.set_mask
    import asyncio
    if asyncio._get_running_loop() is not None:
        raise RuntimeError('run_interruptible() cannot be called while an event loop is running in this thread')
    if not asyncio.iscoroutine(coroutine):
        raise ValueError('a coroutine was expected, not %r' % (coroutine,))
    taken = []
    too_late = []  # for the main task

    async def watched():
        loop = asyncio.get_event_loop()
        tasks = asyncio.Task if _sys.version_info < (3, 7) else asyncio
        task = tasks.current_task()

        def cancel():
            error = _take()
            if error is None:
                return
            taken.append(error)
            if not task.done():
                task.cancel()
            else:
                too_late.append(error)
                for other in tasks.all_tasks(loop):
                    other.cancel()
        try:
            loop.add_reader(_native.wakeup_fd(), cancel)
        except BaseException:
            coroutine.close()
            raise
        return await coroutine

    with mask('all') as before:
        if before == _ALL:
            return _run(asyncio, coroutine, debug)
        try:
            result = _run(asyncio, watched(), debug)
        except asyncio.CancelledError:
            if not taken:
                raise
        else:
            if not too_late:
                return result
        raise taken[-1].with_traceback(None)


def _take():
    """What is pending for the calling thread, which defers all interrupts; None if nothing is.

    Under 'on_blocking' it is raised by check() and nowhere else.
    """
    try:
        _native.set_mask(_ON_BLOCKING)
        _native.check()
        return None
    except BaseException as error:
        return error
    finally:
        _native.set_mask(_ALL)


def _run(asyncio, main, debug):
    if _sys.version_info >= (3, 7):
        return asyncio.run(main) if debug is None else asyncio.run(main, debug=debug)
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        if debug is not None:
            loop.set_debug(debug)
        return loop.run_until_complete(main)
    finally:
        try:
            tasks = [task for task in asyncio.Task.all_tasks(loop) if not task.done()]
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, loop=loop, return_exceptions=True))
            for task in tasks:
                if not task.cancelled() and task.exception() is not None:
                    loop.call_exception_handler({'message': 'unhandled exception during run_interruptible() shutdown',
                                                 'exception': task.exception(), 'task': task})
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            loop.close()


# --- a class that needs threading, which takes longer to import than all of this

def _make_interruptible_thread():
    from threading import Thread

    class InterruptibleThread(Thread):
        """A threading.Thread with interrupt() and is_interrupted().

        Without the shim it is an ordinary Thread, and these two raise RuntimeError.
        """

        __qualname__ = 'InterruptibleThread'

        def interrupt(self, recursive=False, exception=None):
            """interrupt(this thread, recursive=recursive, exception=exception)"""
            interrupt(self, recursive=recursive, exception=exception)

        def is_interrupted(self):
            """is_interrupted(this thread)"""
            return is_interrupted(self)

    return globals().setdefault('InterruptibleThread', InterruptibleThread)


# On 3.6 a module has no __getattr__ of its own.
class _Module(type(_sys)):
    def __getattr__(self, name):
        if name == 'InterruptibleThread':
            return _make_interruptible_thread()
        raise AttributeError('module %r has no attribute %r' % (self.__name__, name))

    def __dir__(self):
        return sorted(set(self.__dict__) | set(__all__))


_sys.modules[__name__].__class__ = _Module
