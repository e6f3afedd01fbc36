"""Children, signals, and sleeping."""
import os
import signal
import subprocess
import threading
import time

from support import *
from wait_case import case

# --- children

def child(it):
    process = subprocess.Popen(['sleep', str(LONG)])
    it.end = process.kill
    it.process = process
    return process


@case('waitpid')
def popen_wait(it):
    process = child(it)
    it.wait = lambda limit: process.wait()
    it.result = -signal.SIGKILL


@case('waitpid')
def os_waitpid(it):
    process = child(it)
    it.wait = lambda limit: os.waitpid(process.pid, 0)
    it.result = (process.pid, signal.SIGKILL)


@case('wait')
def os_wait(it):
    process = child(it)
    it.wait = lambda limit: os.wait()
    it.result = (process.pid, signal.SIGKILL)


@case('wait3')
def os_wait3(it):
    process = child(it)
    it.wait = lambda limit: os.wait3(0)[:2]
    it.result = (process.pid, signal.SIGKILL)


@case('wait4')
def os_wait4(it):
    process = child(it)
    it.wait = lambda limit: os.wait4(process.pid, 0)[:2]
    it.result = (process.pid, signal.SIGKILL)


@case('waitid')
def os_waitid(it):
    process = child(it)
    it.wait = lambda limit: os.waitid(os.P_PID, process.pid, os.WEXITED).si_status
    it.result = signal.SIGKILL


# --- signals

def blocked_signal(it):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    it.end = lambda: os.kill(os.getpid(), signal.SIGUSR1)


@case('sigwait')
def sigwait(it):
    blocked_signal(it)
    it.wait = lambda limit: signal.sigwait([signal.SIGUSR1])
    it.result = signal.SIGUSR1


@case('sigwaitinfo')
def sigwaitinfo(it):
    blocked_signal(it)
    it.wait = lambda limit: signal.sigwaitinfo([signal.SIGUSR1]).si_signo
    it.result = signal.SIGUSR1


@case('sigtimedwait')
def sigtimedwait(it):
    blocked_signal(it)
    it.timed = True
    it.wait = lambda limit: signal.sigtimedwait([signal.SIGUSR1], limit)


@case('pause')
def pause(it):
    signal.signal(signal.SIGUSR1, lambda *_: None)
    it.wait = lambda limit: signal.pause()
    it.end = lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)


# --- sleeping

@case(SLEEP)
def sleep(it):
    it.timed = True
    it.wait = time.sleep
