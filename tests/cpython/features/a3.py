"""The main thread is in one long sleep when it is interrupted."""
import _thread
import threading
import time


def work():
    time.sleep(3)
    _thread.interrupt_main()


start = time.time()
threading.Thread(target=work).start()
try:
    time.sleep(7)
except KeyboardInterrupt:
    pass
elapsed = time.time() - start
assert 2.9 < elapsed < 6, 'KeyboardInterrupt came after %.1f s' % elapsed
