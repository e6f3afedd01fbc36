"""perl: fork, pipes, alarm, select, sockets."""
import os

tools = ['perl']
of_interest = ['perl']


class Checks:
    def __init__(self, run):
        self.run = run

    def start(self):
        pass

    def check_children_pipes_alarms_and_sockets(self):
        return self.run.output('perl', os.path.join(os.path.dirname(__file__), 'perl_part.pl'))

    def stop(self):
        pass
