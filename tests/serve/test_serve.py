"""`interruptctl serve`: each operation, what is refused, and clients that do not behave."""
import array
import fcntl
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import termios
import time

import pytest

from serving import BUILD, INTERRUPTCTL, PATIENCE, Client, Server, Sleeper, Started, eventually


@pytest.fixture(scope='module')
def server():
    with Server() as server:
        yield server
        assert server.process.poll() is None, 'it has ended'


@pytest.fixture
def client(server):
    with Client(server) as client:
        yield client


@pytest.fixture
def sleeper():
    with Sleeper('recv', 'sem', 'nanosleep', 'masked') as sleeper:
        yield sleeper


def cpu_ticks(pid):
    with open('/proc/%d/stat' % pid) as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_says_who_it_is(server, client):
    hello = client.ask('hello', id=1)
    assert hello['protocol'] == 1 and hello['pid'] == server.pid
    assert {'list', 'threads', 'interrupt', 'wait', 'clear', 'subscribe', 'unsubscribe'} <= set(hello['operations'])


def test_lists_processes_and_threads(client, sleeper):
    mine, = (each for each in client.ask('list')['processes'] if each['pid'] == sleeper.pid)
    assert mine['threads'] == 5 and mine['reason'] is None
    threads = {each['tid']: each for each in client.ask('threads', pid=sleeper.pid)['threads']}
    assert threads[sleeper.tids['recv']]['call'] == 'recv'
    command = subprocess.run([INTERRUPTCTL, 'threads', str(sleeper.pid), '--json'], capture_output=True, check=True)
    shown = {each['tid']: each['state'] for each in json.loads(command.stdout)['threads']}
    assert {tid: each['state'] for tid, each in threads.items()} == shown


def test_interrupts_by_each_choice(client, sleeper):
    result = client.ask('interrupt', pid=sleeper.pid, tid=sleeper.tids['recv'], **{'as': 'errno:ECONNRESET'})
    thread, = result['threads']
    assert thread['result'] == 'delivered' and thread['call'].startswith('recv(fd ')
    assert sleeper.line() == 'recv %d -1 ECONNRESET' % sleeper.tids['recv']
    assert client.ask('interrupt', pid=sleeper.pid, **{'in': 'sem_wait,recv'})['threads'][0]['tid'] == sleeper.tids['sem']
    assert client.ask('interrupt', pid=sleeper.pid, name='nanosleep')['threads'][0]['name'] == 'nanosleep'


def test_says_why_something_was_not_delivered(client, sleeper):
    client.request(op='interrupt', id='m', pid=sleeper.pid, tid=[sleeper.tids['recv'], sleeper.tids['masked']], timeout=0.02)
    answer = client.answer()
    assert not answer['ok'] and answer['id'] == 'm' and answer['error']['code'] == 'not_delivered'
    assert 'it is masked' in answer['error']['message']
    assert [each['result'] for each in answer['result']['threads']] == ['delivered', 'withdrawn']


def test_leaves_pending_and_clears(client, sleeper):
    tid = sleeper.tids['masked']
    result = client.ask('interrupt', pid=sleeper.pid, tid=tid, timeout=0, sticky=True)
    assert result['threads'][0]['result'] == 'pending'
    assert client.ask('clear', pid=sleeper.pid, tid=tid)['cleared'] == 'default'
    assert client.ask('clear', pid=sleeper.pid, tid=tid)['cleared'] is None


def test_waits_for_threads(client, sleeper):
    there = client.ask('wait', pid=sleeper.pid, count=2, **{'in': 'recv,sem_wait'})['threads']
    assert {each['tid'] for each in there} == {sleeper.tids['recv'], sleeper.tids['sem']}
    error = client.refused(op='wait', pid=sleeper.pid, **{'in': 'accept', 'timeout': 0.02})
    assert error['code'] == 'not_delivered' and 'blocked in accept' in error['message']


def test_puts_rules_in_force_and_takes_them_away(client, sleeper):
    assert client.ask('rules', pid=sleeper.pid) == {'pid': sleeper.pid, 'rules': []}
    first = client.ask('inject', pid=sleeper.pid, rule='recv:errno:EIO:when=3')
    assert first['added'] == [1] and first['rules'] == [{'number': 1, 'rule': 'recv:errno:EIO:when=3', 'met': 0, 'acted': 0}]
    both = client.ask('inject', pid=sleeper.pid, rule=['read:eof', 'poll:timeout:after=0.5'])
    assert both['added'] == [2, 3]
    listed = subprocess.run([INTERRUPTCTL, 'inject', str(sleeper.pid), '--list', '--json'], check=True, capture_output=True)
    assert json.loads(listed.stdout)['rules'] == both['rules'] == client.ask('rules', pid=sleeper.pid)['rules']
    cleared = client.ask('clear_rules', pid=sleeper.pid, number=[1, 3])
    assert cleared['cleared'] == 2 and [rule['number'] for rule in cleared['rules']] == [2]
    assert client.ask('clear_rules', pid=sleeper.pid) == {'pid': sleeper.pid, 'rules': [], 'cleared': 1}


def test_rules_come_into_force_together_or_not_at_all(client, sleeper):
    # The sleeper runs no Python.
    error = client.refused(op='inject', pid=sleeper.pid, rule=['recv:errno:EIO', 'recv:exception:builtins.ValueError'])
    assert error['code'] == 'usage'
    assert client.ask('rules', pid=sleeper.pid)['rules'] == []


def test_a_rule_of_the_socket_acts(client):
    with Started([BUILD + '/tests/targets/repeats', '1'], env=dict(os.environ, LD_PRELOAD=BUILD + '/libinterrupt.so')) as target:
        target.line()
        client.ask('wait', pid=target.pid, **{'in': 'recv', 'thread': 'waiter'})
        client.ask('inject', pid=target.pid, rule='recv:errno:EIO:when=1:thread=waiter')
        client.ask('interrupt', pid=target.pid, name='waiter', timeout=20)
        client.ask('wait', pid=target.pid, **{'in': 'recv', 'thread': 'waiter'})
        assert client.ask('rules', pid=target.pid)['rules'][0]['acted'] == 1
        assert target.process.communicate(timeout=PATIENCE)[0].endswith('eintr 1 eio 1 eof 0 other 0\n')


def test_sends_a_plain_signal(client, sleeper):
    error = client.refused(op='interrupt', pid=sleeper.pid, tid=sleeper.tids['recv'], sticky=True, **{'as': 'signal:SIGWINCH'})
    assert error['code'] == 'usage'
    result = client.ask('interrupt', pid=sleeper.pid, tid=sleeper.tids['recv'], **{'as': 'signal:SIGWINCH'})
    assert result['threads'][0]['result'] == 'delivered'


def test_tells_events(client, sleeper):
    number = client.ask('subscribe', pid=sleeper.pid, interval=0.005)['subscription']
    before = cpu_ticks(sleeper.pid)
    client.ask('interrupt', pid=sleeper.pid, tid=sleeper.tids['recv'], **{'as': 'errno:EPIPE'})
    delivered = client.event('delivered')
    assert delivered['tid'] == sleeper.tids['recv'] and delivered['call'] == 'recv' and delivered['outcome'] == 'errno'
    assert client.event('left')['wait'] > 0
    assert client.event('thread_ended')['tid'] == sleeper.tids['recv']
    assert cpu_ticks(sleeper.pid) - before <= 2, 'being watched costs it something'
    sleeper.process.kill()
    sleeper.process.wait()
    ended = client.event('ended')
    assert ended['pid'] == sleeper.pid and 'has ended' in ended['reason'] and ended['subscription'] == number
    assert client.refused(op='unsubscribe', subscription=number)['code'] == 'not_found'


def test_tells_no_more_when_unsubscribed(client, sleeper):
    number = client.ask('subscribe', pid=sleeper.pid, interval=0.001)['subscription']
    client.ask('unsubscribe', subscription=number)
    client.events.clear()
    client.ask('interrupt', pid=sleeper.pid, tid=sleeper.tids['recv'])
    for _ in range(20):
        client.ask('wait', pid=sleeper.pid, **{'in': 'sem_wait'})
    assert not client.events


@pytest.mark.parametrize('fields, code, words', [
    ({}, 'usage', '`op` is missing'),
    ({'op': 5}, 'usage', '`op` is missing'),
    ({'op': 'watch', 'pid': 1}, 'usage', 'unknown operation'),
    ({'op': 'inject', 'pid': 1}, 'usage', '`rule` is missing'),
    ({'op': 'inject', 'pid': 1, 'rule': []}, 'usage', '`rule` must be'),
    ({'op': 'inject', 'pid': 1, 'rule': ['recv:eof', 5]}, 'usage', '`rule` must be'),
    ({'op': 'inject', 'pid': 1, 'rule': 'recv:eoff'}, 'usage', 'Did you mean `eof`'),
    ({'op': 'clear_rules', 'pid': os.getpid(), 'number': 1}, 'not_under_shim', ''),
    ({'op': 'thread'}, 'usage', 'Did you mean `threads`'),
    ({'op': 'threads'}, 'usage', '`pid` is missing'),
    ({'op': 'threads', 'pid': 'x'}, 'usage', '`pid` must be'),
    ({'op': 'threads', 'pid': -1}, 'usage', '`pid` must be'),
    ({'op': 'threads', 'pid': 1e300}, 'usage', '`pid` must be'),
    ({'op': 'threads', 'pid': 2 ** 63}, 'usage', '`pid` must be'),
    ({'op': 'threads', 'pid': 1, 'sort': 1}, 'usage', 'no field `sort`'),
    ({'op': 'threads', 'pid': 2 ** 31 - 1}, 'not_found', 'there is no process'),
    ({'op': 'threads', 'pid': os.getpid()}, 'not_under_shim', ''),
    ({'op': 'interrupt', 'pid': 1}, 'usage', 'no thread was named'),
    ({'op': 'interrupt', 'pid': 1, 'tid': []}, 'usage', '`tid` must be'),
    ({'op': 'interrupt', 'pid': 1, 'tid': [1] * 257}, 'usage', 'at most 256'),
    ({'op': 'interrupt', 'pid': 1, 'main': 1}, 'usage', 'true or false'),
    ({'op': 'interrupt', 'pid': 1, 'main': True, 'timeout': 0}, 'usage', 'nothing could be delivered'),
    ({'op': 'interrupt', 'pid': 1, 'main': True, 'timeout': -1}, 'usage', 'seconds'),
    ({'op': 'interrupt', 'pid': 1, 'main': True, 'all': True}, 'usage', 'in one way'),
    ({'op': 'interrupt', 'pid': 1, 'main': True, 'as': 'errno:EFOO'}, 'usage', 'EFOO'),
    ({'op': 'interrupt', 'pid': 1, 'main': True, 'as': 'a\0b'}, 'usage', 'a word'),
    ({'op': 'wait', 'pid': 1, 'in': 'recvv'}, 'usage', 'recv'),
    ({'op': 'wait', 'pid': 1, 'count': 0}, 'usage', '`count`'),
    ({'op': 'subscribe', 'pid': 1, 'interval': 0}, 'usage', '`interval`'),
    ({'op': 'unsubscribe', 'subscription': 77}, 'not_found', ''),
    ({'op': 'hello', 'x': [[[[[[[[1]]]]]]]]}, 'usage', 'nested more than 8 deep'),
    ({'op': 'hello', 'x': [[[[[[[1]]]]]]]}, 'usage', 'no field `x`'),
    ({'op': 'hello', 'id': [1]}, 'usage', '`id` must be'),
    ({'op': 'hello', 'id': 'x' * 129}, 'usage', '`id` must be'),
])
def test_refuses(client, fields, code, words):
    error = client.refused(**fields)
    assert error['code'] == code and words in error['message'], error
    assert client.ask('hello')['protocol'] == 1, 'the connection goes on'


@pytest.mark.parametrize('line', [
    b'x', b'{', b'{"op":"hello"', b'"hello"', b'[]', b'1', b'null', b'\xff\xfe', b'{"op":"hello","op"}', b'{} {}', b'\0' * 100,
    b'[' * 50, b'{"a":' * 60000, b'[' * 65000 + b']' * 500, b'{"id":1,"op":"hello","x":"\xed\xa0\x80"}', b'x' * (1 << 20),
    b'{"op":"' + b'h' * (1 << 20) + b'"}',
])
def test_bad_lines_get_an_error_and_the_next_is_served(client, line):
    client.send(line + b'\n{"op":"hello","id":9}\n')
    first, second = client.answer(), client.answer()
    assert not first['ok'] and first['error']['code'] == 'usage'
    assert second['ok'] and second['id'] == 9


def test_requests_may_come_together_or_in_pieces(client):
    client.send('{"op":"hello","id":1}\n\n  \r\n{"op":"hello","id":2}\r\n{"op":"hel')
    assert [client.answer()['id'] for _ in range(2)] == [1, 2]
    for byte in 'lo","id":3}\n':
        client.send(byte)
    assert client.answer()['id'] == 3


def test_answers_come_when_they_are_known(client, sleeper):
    """A request that takes its time does not hold up the next one."""
    client.request(op='interrupt', id='slow', pid=sleeper.pid, tid=sleeper.tids['masked'], timeout=0.3)
    for number in range(100):
        client.request(op='hello', id=number)
    assert [client.answer()['id'] for _ in range(101)] == [*range(100), 'slow']


def test_too_many_at_once_are_told_so(client, sleeper):
    for number in range(65):
        client.request(op='wait', id=number, pid=sleeper.pid, timeout=60, **{'in': 'accept'})
    answer = client.answer()
    assert answer['id'] == 64 and answer['error']['code'] == 'busy'


def test_what_was_asked_is_answered_after_the_last_line(client, sleeper):
    client.send('{"op":"wait","id":1,"pid":%d,"in":"recv"}\n{"op":"hello","id":2}' % sleeper.pid)  # no newline
    client.socket.shutdown(socket.SHUT_WR)
    assert {client.answer()['id'], client.answer()['id']} == {1, 2}
    assert client.line() is None


def test_half_a_line_and_gone(server, client):
    with Client(server) as other:
        other.send('{"op":"thr')
    assert client.ask('hello')['protocol'] == 1


def pending(client, sleeper, thread):
    return next(each['pending'] for each in client.ask('threads', pid=sleeper.pid)['threads']
                if each['tid'] == sleeper.tids[thread])


@pytest.mark.parametrize('sticky', [False, True])
def test_who_goes_takes_the_request_along(server, client, sleeper, sticky):
    with Client(server) as other:
        other.request(op='interrupt', pid=sleeper.pid, tid=sleeper.tids['masked'], timeout=60, sticky=sticky)
        eventually(lambda: pending(client, sleeper, 'masked') == 'default')
    eventually(lambda: pending(client, sleeper, 'masked') is None)


def test_who_reads_nothing_costs_nobody_else(server, client, sleeper):
    with Client(server) as deaf:
        deaf.request(op='subscribe', pid=sleeper.pid, interval=0.001)
        deaf.socket.setblocking(False)
        line = ('{"op":"threads","pid":%d}\n' % sleeper.pid).encode() * 100
        written = 0
        try:
            while written < 64 << 20:
                written += deaf.socket.send(line)
        except BlockingIOError:
            pass  # its requests wait, as they should
        for _ in range(100):
            client.ask('threads', pid=sleeper.pid)
        with open('/proc/%d/statm' % server.pid) as file:
            assert int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') < 64 << 20
    assert client.ask('hello')['protocol'] == 1


RESTLESS = """
import threading, time
def work():
    while True:
        time.sleep(0.001)
for _ in range(20):
    threading.Thread(target=work, daemon=True).start()
print('ready', flush=True)
input()
"""


def test_lost_events_are_counted(server, client):
    """A reader that is too slow is told how many it has missed."""
    with Started([INTERRUPTCTL, 'run', sys.executable, '-c', RESTLESS]) as restless, Client(server) as slow:
        assert restless.line() == 'ready'
        slow.ask('subscribe', pid=restless.pid, interval=0.001)
        # Its own buffer is full when nothing more comes: then the server's fills up, and runs over.
        waiting = array.array('i', [0])
        before = -1
        while waiting[0] != before:
            before = waiting[0]
            for _ in range(50):
                client.ask('wait', pid=restless.pid, **{'in': 'clock_nanosleep,read'})
            time.sleep(0.5)
            fcntl.ioctl(slow.socket, termios.FIONREAD, waiting)
        time.sleep(1)
        restless.process.kill()
        assert slow.event('lost')['count'] > 0


def test_the_target_may_be_killed_or_stopped(client):
    with Sleeper('recv', 'masked') as sleeper:
        client.request(op='interrupt', id=1, pid=sleeper.pid, tid=sleeper.tids['masked'], timeout=60)
        client.request(op='wait', id=2, pid=sleeper.pid, **{'in': 'accept', 'timeout': 60})
        os.kill(sleeper.pid, signal.SIGSTOP)
        error = client.refused(op='interrupt', id=3, pid=sleeper.pid, tid=sleeper.tids['recv'], timeout=0.05)
        assert error['code'] == 'not_delivered' and 'stopped' in error['message']
        sleeper.process.kill()
        sleeper.process.wait()
        answers = {answer['id']: answer['error']['code'] for answer in (client.answer(), client.answer())}
        assert answers == {1: 'not_delivered', 2: 'not_found'}


# --- the socket ---

def test_the_socket_is_its_users_alone(server):
    status = os.stat(server.path)
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o600 and status.st_uid == os.geteuid()


def test_a_second_server_does_not_take_the_place(server, client):
    second = subprocess.run([INTERRUPTCTL, 'serve', '--socket', server.path], capture_output=True, text=True)
    assert second.returncode == 6 and 'listens at' in second.stderr
    assert client.ask('hello')['pid'] == server.pid


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_cleanly_and_takes_requests_back(client, sleeper, number):
    with Server() as server, Client(server) as other:
        other.request(op='interrupt', pid=sleeper.pid, tid=sleeper.tids['masked'], timeout=60)
        eventually(lambda: pending(client, sleeper, 'masked') == 'default')
        assert server.end(number) == ('', 0)
        assert os.listdir(server.directory.name) == []
        assert pending(client, sleeper, 'masked') is None


def test_a_dead_servers_place_is_taken():
    with Server() as server:
        server.end(signal.SIGKILL)
        assert os.path.exists(server.path)
        with Server(path=server.path) as next_one, Client(next_one) as client:
            assert client.ask('hello')['pid'] == next_one.pid


@pytest.mark.parametrize('mode, name, status, words', [
    (0o755, 'socket', 6, 'open to others'), (0o700, 'file', 2, 'no socket'), (0o700, 'x' * 120, 2, 'bytes'),
    (0o700, 'no/socket', 2, 'there is no directory'),
])
def test_places_that_are_refused(mode, name, status, words):
    with tempfile.TemporaryDirectory() as directory:
        with open(directory + '/file', 'w'):
            pass
        os.chmod(directory, mode)
        ended = subprocess.run([INTERRUPTCTL, 'serve', '--socket', directory + '/' + name], capture_output=True, text=True)
        assert ended.returncode == status and words in ended.stderr, ended.stderr
        assert os.path.getsize(directory + '/file') == 0


def test_more_clients_than_it_has_places_for():
    with Server('--max-clients', '2') as server, Client(server) as first, Client(server) as second:
        first.ask('hello')
        second.ask('hello')
        with Client(server) as third:
            assert third.answer()['error']['code'] == 'busy'
            assert third.line() is None
        second.socket.close()

        def served():
            with Client(server) as fourth:
                try:
                    fourth.send('{"op":"hello"}\n')
                    return fourth.answer()['ok']
                except (BrokenPipeError, ConnectionResetError):  # refused before it had written
                    return False
        eventually(served)


def test_no_descriptor_left():
    """Who is not accepted yet waits, and those who are go on."""
    with Server(command=('prlimit', '--nofile=20:20', INTERRUPTCTL)) as server, Client(server) as client:
        clients = [Client(server) for _ in range(30)]
        client.ask('hello')
        assert 'no descriptor is left' in client.refused(op='threads', pid=os.getpid())['message']
        before = cpu_ticks(server.pid)
        time.sleep(0.3)
        assert cpu_ticks(server.pid) - before <= 5, 'it goes round and round'
        for other in clients[:20]:
            other.socket.close()
        assert clients[20].ask('hello')['pid'] == server.pid
        for other in clients[20:]:
            other.socket.close()


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can become another user')
def test_other_users_are_refused():
    """As nobody: root has a way past the mode of the socket, and so its own check has to hold."""
    nobody = 65534
    with Server() as server:
        os.chmod(server.directory.name, 0o755)
        os.chmod(server.path, 0o666)
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setgid(nobody)
                os.setuid(nobody)
                with Client(server) as client:
                    os.write(write_end, json.dumps([client.answer(), client.line()]).encode())
            finally:
                os._exit(0)
        os.close(write_end)
        with os.fdopen(read_end) as file:
            answer, end = json.load(file)
        os.waitpid(child, 0)
        assert answer['error']['code'] == 'not_permitted' and end is None
