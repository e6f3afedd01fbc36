"""The main thread is interrupted, and Ctrl-C is what it always was."""
import signal

from feature import *

main_tid = libc.gettid()


def elapsed_until(exception, act):
    def when_blocked():
        await_blocked(main_tid)
        act()
    helper = threading.Thread(target=when_blocked)
    start = time.time()
    try:
        helper.start()
        time.sleep(END)
        time.sleep(0.01)
        raise AssertionError('nothing was raised')
    except exception:
        elapsed = time.time() - start
    helper.join()
    return elapsed


def ctrl_c():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # a process's signal may be met by any thread


assert elapsed_until(KeyboardInterrupt, ctrl_c) < PROMPT
elapsed = elapsed_until(ThreadInterrupted, lambda: interrupt(threading.main_thread()))
assert elapsed < PROMPT, 'only after %.1f s' % elapsed
assert elapsed_until(KeyboardInterrupt, ctrl_c) < PROMPT
