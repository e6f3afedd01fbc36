"""How a program that cannot be changed is tested with the fixture of pytest_interruptctl."""
import os
import signal
import sys
import time

import pytest
from pytest_interruptctl import InterruptctlError

HERE = os.path.dirname(os.path.abspath(__file__))


def test_a_reset_is_handled(interruptctl_run):
    program = interruptctl_run([sys.executable, HERE + '/connection.py'])
    worker = program.wait(in_='recv')
    result, = program.interrupt(worker, as_='errno:ECONNRESET')
    assert result['result'] == 'delivered' and result['call'].startswith('recv(fd ')
    assert program.exit_status() == 0
    assert program.output() == 'the connection was reset\n'


def test_what_is_not_delivered_is_an_error(interruptctl_run):
    program = interruptctl_run([sys.executable, HERE + '/connection.py'])
    program.wait(in_='recv')
    os.kill(program.pid, signal.SIGSTOP)
    with pytest.raises(InterruptctlError, match='stopped') as raised:
        program.interrupt(in_='recv', timeout=0.05)
    assert raised.value.status == 5 and raised.value.results[0]['result'] == 'withdrawn'
    with pytest.raises(InterruptctlError, match='EFOO'):
        program.interrupt(program.pid, as_='errno:EFOO')
    with pytest.raises(InterruptctlError) as raised:
        program.wait(in_='accept', timeout=0.01)
    assert raised.value.status == 5


def test_pending_ones_can_be_cleared(interruptctl_run):
    program = interruptctl_run(['cat'])
    main = program.wait(in_='read', count=1)[0]
    assert main.tid == program.pid and main.target == 0
    os.kill(program.pid, signal.SIGSTOP)
    with pytest.raises(InterruptctlError):
        program.interrupt(main, as_='errno:EIO', sticky=True, timeout=0.01)
    assert program.clear(main) == 'errno:EIO'
    assert program.clear(main) is None
    os.kill(program.pid, signal.SIGCONT)
    program.write('hello\n')
    assert program.prints('hello\n')
    program.process.stdin.close()
    assert program.exit_status() == 0


def test_what_cannot_be_started_says_why(interruptctl_run):
    with pytest.raises(InterruptctlError, match='no-such-program') as raised:
        interruptctl_run(['no-such-program'])
    assert raised.value.status == 3


def test_a_program_may_end_at_once(interruptctl_run):
    assert interruptctl_run(['true']).exit_status() == 0


def test_nothing_is_left_behind():
    """The fixture's end, by hand: the program and what it has started are gone."""
    from pytest_interruptctl import Program
    program = Program(['sh', '-c', 'sleep 1000 & echo $!; wait'])
    assert program.prints('\n')
    child = int(program.output())
    program.close()
    end = time.monotonic() + 30
    while os.path.exists('/proc/%d' % child) and time.monotonic() < end:
        with open('/proc/%d/stat' % child) as file:
            if file.read().rsplit(')', 1)[1].split()[0] == 'Z':  # nobody collects it in a container
                break
        time.sleep(0.005)
    assert time.monotonic() < end
    assert program.process.returncode is not None
