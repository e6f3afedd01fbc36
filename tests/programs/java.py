"""OpenJDK: threads, sockets, monitors and processes of a small program, while garbage is collected."""
import os
import signal

from harness import expect

tools = ['java', 'javac', 'jcmd']
of_interest = ['java']


class Checks:
    def __init__(self, run):
        self.run = run

    def start(self):
        self.run.output('javac', '-J-XX:TieredStopAtLevel=1', '-d', self.run.directory,
                        os.path.join(os.path.dirname(__file__), 'Threads.java'))

    def run_threads(self, *options):
        return self.run.output('java', *options, '-Xmx256m', '-cp', self.run.directory, 'Threads', errors=None)

    def check_threads(self):
        return self.run_threads()

    def check_threads_with_parallel_collector(self):
        return self.run_threads('-XX:+UseParallelGC')

    def check_signals(self):
        """SIGQUIT is answered with the threads' stacks, SIGTERM with an ordered end; jcmd attaches through a socket."""
        source = self.run.write('Waits.java', '''
            public class Waits {
                public static void main(String[] arguments) throws Exception {
                    Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("ended in order")));
                    System.out.println("waits");
                    synchronized (Waits.class) { while (true) Waits.class.wait(); }
                }
            }''')
        java = self.run.start('java', source, log='waits')
        def said(words):
            return lambda: words in self.run.log('waits')
        self.run.wait_for(said('waits'), 'the start')
        java.send_signal(signal.SIGQUIT)
        self.run.wait_for(said('Full thread dump'), 'the stacks')
        expect('Waits' in self.run.output('jcmd', str(java.pid), 'Thread.print'), 'jcmd does not show the thread')
        self.run.stop(java, status=(143,))
        expect('ended in order' in self.run.log('waits'), 'the hook did not run: ' + self.run.log('waits')[-300:])
        os.remove(self.run.path('waits'))

    def stop(self):
        pass
