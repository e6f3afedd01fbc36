"""Event, Queue and Condition: nothing runs while they wait, and they notice at once."""
import queue

from feature import *

event = threading.Event()
items = queue.Queue()
condition = threading.Condition()


def wait_for_condition():
    with condition:
        condition.wait()


def notify():
    with condition:
        condition.notify_all()


waiting = [
    Waiting('Event.wait', event.wait, event.set),
    Waiting('Queue.get', items.get, lambda: items.put(1)),
    Waiting('Condition.wait', wait_for_condition, notify),
]
before = [waits_and_switches(each.tid) for each in waiting]
time.sleep(0.5)
assert before == [waits_and_switches(each.tid) for each in waiting], 'they poll'
check_all_interrupted(waiting)
