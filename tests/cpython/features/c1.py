"""interrupt() of a thread class of ours; of any thread by object, ident and native id; threads that are not there."""
import threading

import libinterrupt
from feature import *


def expect(kind, word, call, *arguments, **keywords):
    try:
        call(*arguments, **keywords)
    except kind as error:
        assert word in str(error), error
    else:
        raise AssertionError('nothing was raised')


for way in (lambda waiting: waiting.thread, lambda waiting: waiting.thread.ident, lambda waiting: waiting.tid):
    for wait in (threading.Event().wait, lambda: time.sleep(LONG)):
        waiting = Waiting('wait', wait)
        libinterrupt.interrupt(way(waiting))
        assert waiting.check(time.time()) is None

caught = []


def work():
    try:
        time.sleep(LONG)
    except ThreadInterrupted as error:
        caught.append(error)


thread = libinterrupt.InterruptibleThread(target=work)
expect(RuntimeError, 'has not been started', thread.interrupt)
expect(RuntimeError, 'has not been started', libinterrupt.is_interrupted, threading.Thread())
thread.start()
assert not thread.is_interrupted() or caught
thread.interrupt()
thread.join(PROMPT)
assert len(caught) == 1 and not thread.is_alive()
expect(RuntimeError, 'has ended', thread.interrupt)
expect(RuntimeError, 'has ended', thread.is_interrupted)
until(lambda: not os.path.exists('/proc/self/task/%d' % waiting.tid), 'gone')  # after join() it is about to end
for nobody in (waiting.tid, 1 << 30, 0, -1, 1 << 100, 0x7f0000000000):
    expect(ValueError, 'neither the ident nor the native id', libinterrupt.interrupt, nobody)
    expect(ValueError, 'neither the ident nor the native id', libinterrupt.is_interrupted, nobody)
for nothing in (None, True, 'main', 1.0):
    expect(TypeError, 'not as ' + type(nothing).__name__, libinterrupt.interrupt, nothing)

main_tid = libc.gettid()
for main in (threading.main_thread(), threading.get_ident(), main_tid):
    helper = threading.Thread(target=lambda: (await_blocked(main_tid), libinterrupt.interrupt(main)))
    try:
        helper.start()
        time.sleep(LONG)
        raise AssertionError
    except ThreadInterrupted:
        pass
    helper.join()
