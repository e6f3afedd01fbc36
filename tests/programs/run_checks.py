"""Runs the checks of one program, and prints what became of them as JSON:

    run_checks.py PROGRAM [--library LIBRARY] [--storm SECONDS]

In a storm they are repeated until the time is over."""
import argparse
import ctypes
import importlib
import json
import os
import signal
import sys
import time
import traceback

import harness


def orphans():
    """Processes that checks have left behind, whoever had started them: this process is their reaper."""
    with open(f'/proc/self/task/{os.getpid()}/children') as children:
        return [int(pid) for pid in children.read().split()]


def command_of(pid):
    try:
        with open(f'/proc/{pid}/cmdline') as file:
            return file.read().replace('\0', ' ').strip()
    except OSError:
        return ''


def end_orphans():
    """Ends those that do not end by themselves in a moment; their commands."""
    deadline = time.monotonic() + 5
    left = {}
    while pids := orphans():
        for pid in pids:
            if time.monotonic() > deadline:
                left[pid] = command_of(pid)
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.02)
    return sorted(set(left.values()))


def attempt(check):
    try:
        return True, check() or ''
    except harness.Failed as failure:
        return False, str(failure)
    except Exception:
        return False, traceback.format_exc()


def run_all(program, run):
    """Each check with how often it passed and failed, and the first failures; a check's own result is what it returns."""
    checks = [(name[len('check_'):], getattr(program, name)) for name in vars(type(program)) if name.startswith('check_')]
    results = {name: {'passed': 0, 'failed': 0, 'result': '', 'failures': [], 'seconds': 0} for name, _ in checks}
    deadline = time.monotonic() + run.storm
    while True:
        for name, check in checks:
            result = results[name]
            begin = time.monotonic()
            passed, said = attempt(check)
            result['seconds'] += time.monotonic() - begin
            result['passed' if passed else 'failed'] += 1
            if passed:
                result['result'] = said
            else:
                result['failures'].append(said)
        if time.monotonic() >= deadline:
            return results


def main():
    options = argparse.ArgumentParser()
    options.add_argument('program')
    options.add_argument('--library')
    options.add_argument('--storm', type=float, default=0)
    options = options.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background may have got them ignored
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    set_child_subreaper = 36
    ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)
    run = harness.Run(options.library, options.storm)
    results = {}
    try:
        program = importlib.import_module(options.program).Checks(run)
        started, said = attempt(program.start)
        results = run_all(program, run) if started else {}
        results['start'] = {'passed': int(started), 'failed': int(not started), 'result': '', 'failures': [said] * (not started)}
        if started:
            ended, said = attempt(program.stop)
            results['stop'] = {'passed': int(ended), 'failed': int(not ended), 'result': '', 'failures': [said] * (not ended)}
    finally:
        run.end()
        left = end_orphans()
    if left:
        results['left behind'] = {'passed': 0, 'failed': len(left), 'result': '', 'failures': left[:5]}
    json.dump(results, sys.stdout)


main()
