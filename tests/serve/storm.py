"""storm.py [CLIENTS [SECONDS]]: many clients of one server at once, each of which asks for one thing after the other as fast as
it is answered. Every request must be answered, once; every interrupt that was answered as delivered must have ended a wait; and
nobody may starve. Prints how long the clients have waited for their answers."""
import json
import random
import selectors
import sys
import time

from serving import BUILD, INTERRUPTCTL, Client, Server, Started

clients = int(sys.argv[1]) if len(sys.argv) > 1 else 200
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 2


class Asking(Client):
    def __init__(self, server, pid, tid):
        super().__init__(server)
        self.pid, self.tid = pid, tid
        self.number = 0
        self.times = []
        self.delivered = 0
        self.asked = None

    def begin(self):
        self.number += 1
        fields = random.choice([
            {'op': 'hello'},
            {'op': 'interrupt', 'pid': self.pid, 'tid': self.tid, 'timeout': 20},
            {'op': 'interrupt', 'pid': self.pid, 'tid': self.tid, 'timeout': 20},
            {'op': 'wait', 'pid': self.pid, 'tid': self.tid, 'in': 'poll', 'timeout': 20},
            {'op': 'clear', 'pid': self.pid, 'tid': self.tid},
            {'op': 'threads', 'pid': self.pid} if self.number % 50 == 0 else {'op': 'hello'},
        ])
        self.asked = fields['op']
        self.begun = time.monotonic()
        self.send(json.dumps({'id': self.number, **fields}) + '\n')

    def end(self):
        answer = self.line()
        assert answer['id'] == self.number and answer['ok'], answer
        self.times.append(time.monotonic() - self.begun)
        if self.asked == 'interrupt':
            self.delivered += answer['result']['threads'][0]['result'] == 'delivered'
        self.asked = None


with Server() as server, Started([INTERRUPTCTL, 'run', BUILD + '/tests/targets/patient', str(clients)]) as target:
    assert target.line() == 'ready'
    with Client(server) as first:
        tids = [each['tid'] for each in first.ask('threads', pid=target.pid)['threads'] if each['tid'] != target.pid]
    all_clients = [Asking(server, target.pid, tid) for tid in tids]
    assert len(all_clients) == clients
    selector = selectors.DefaultSelector()
    for client in all_clients:
        selector.register(client.socket, selectors.EVENT_READ, client)
        client.begin()
    end = time.monotonic() + seconds
    while any(client.asked for client in all_clients):
        ready = selector.select(60)
        assert ready, 'no answer for a minute'
        for key, _ in ready:
            key.data.end()
            if time.monotonic() < end:
                key.data.begin()
    delivered = sum(client.delivered for client in all_clients)
    target.process.stdin.close()
    target.process.stdin = None
    ended = target.line()
    assert ended == 'interrupted %d' % delivered, (ended, delivered)
    longest = sorted(max(client.times) for client in all_clients)
    medians = sorted(sorted(client.times)[len(client.times) // 2] for client in all_clients)
    counts = sorted(len(client.times) for client in all_clients)
    print('%d clients, %d answers, %d interrupts delivered, none lost' % (clients, sum(counts), delivered))
    print('answers of a client: fewest %d, most %d' % (counts[0], counts[-1]))
    print('median answer time of a client, ms: best %.2f, median %.2f, worst %.2f'
          % tuple(1000 * medians[i] for i in (0, len(medians) // 2, -1)))
    print('longest answer time of a client, ms: median %.2f, worst %.2f' % (1000 * longest[len(longest) // 2], 1000 * longest[-1]))
    assert counts[0] * 10 >= counts[-1], 'somebody has starved'
