"""Node.js: its loop, its pool of threads, workers, sockets and child processes."""
import os

tools = ['node']
of_interest = ['node']


class Checks:
    def __init__(self, run):
        self.run = run

    def start(self):
        pass

    def check_loop_workers_and_children(self):
        return self.run.output('node', os.path.join(os.path.dirname(__file__), 'node.js'), self.run.directory)

    def stop(self):
        pass
