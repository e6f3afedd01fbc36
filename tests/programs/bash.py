"""bash: jobs, traps, wait, read with a time limit, process substitution, a coprocess; and a shell at a terminal."""
import os

from harness import expect

tools = ['bash', 'setsid', 'mkfifo', 'seq', 'tr', 'diff']
of_interest = ['bash']


def name_of(pid):
    try:
        with open(f'/proc/{pid}/comm') as file:
            return file.read().strip()
    except OSError:
        return ''


class Said:
    """What a terminal shows."""

    def __init__(self, terminal):
        self.terminal = terminal
        self.text = ''
        os.set_blocking(terminal, False)

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def has(self, words):
        try:
            self.text += os.read(self.terminal, 65536).decode()
        except OSError:  # nothing at the moment, or nobody at the other end any more
            pass
        return words in self.text


class Checks:
    def __init__(self, run):
        self.run = run

    def start(self):
        pass

    def check_jobs_traps_and_pipes(self):
        scratch = self.run.path('scratch')
        os.mkdir(scratch)
        try:
            return self.run.output('bash', os.path.join(os.path.dirname(__file__), 'bash_part.sh'), scratch)
        finally:
            os.remove(scratch + '/silent') if os.path.exists(scratch + '/silent') else None
            os.rmdir(scratch)

    def check_terminal(self):
        """An interactive shell: job control, Ctrl-C ends the job and not the shell, Ctrl-Z stops it."""
        terminal, other_end = os.openpty()
        try:
            shell = self.run.start('setsid', '--ctty', 'bash', '--norc', '--noprofile', '-i', stdin=other_end, stdout=other_end,
                                   stderr=other_end)
            os.close(other_end)
            said = Said(terminal)
            self.run.wait_for(lambda: os.tcgetpgrp(terminal) == shell.pid, 'the shell at its terminal')
            said.type("PS1='ready$((++n)) '\n")
            self.run.wait_for(lambda: said.has('ready1'), 'the prompt')
            for key, prompt in (('\x03', 'ready2'), ('\x1a', 'ready3')):
                said.type('sleep 1000\n')
                # Once it is the command: before that it has the shell's handlers.
                self.run.wait_for(lambda: name_of(os.tcgetpgrp(terminal)) == 'sleep', 'the job in the foreground')
                said.type(key)
                self.run.wait_for(lambda: said.has(prompt), f'the prompt {prompt} after {key!r}')
            said.type('kill -KILL %1; until [[ -z $(jobs -p) ]]; do sleep 0.02; jobs; done; echo "at the end: $((6 * 7))"; exit\n')
            self.run.wait_for(lambda: said.has('at the end: 42'), 'the last answer')
            self.run.stop(shell, 0)
            return ' '.join(word for word in ('Stopped', 'Killed', 'at the end: 42') if said.has(word))
        finally:
            os.close(terminal)

    def stop(self):
        pass
