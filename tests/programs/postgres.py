"""PostgreSQL with pgbench: a process for each connection, which wait on epoll and a signalfd for SIGURG, and a restart."""
import glob
import re
import signal

from harness import expect, expect_equal

versions = sorted(glob.glob('/usr/lib/postgresql/*/bin'), key=lambda path: int(path.split('/')[-2]))
bin_directory = versions[-1] if versions else ''
tools = [bin_directory + '/postgres' if versions else 'postgres']
of_interest = ['postgres', 'pgbench', 'psql']
user = 'postgres'  # which the package makes; PostgreSQL does not run as root


class Checks:
    def __init__(self, run):
        self.run = run
        self.port = run.free_port()
        self.directory = run.make_directory('cluster', user)
        self.target = ['-h', self.directory, '-p', str(self.port)]
        self.clients = 6
        self.done = 0

    def tool(self, name, *arguments):
        # Standard error apart: it may have a notice that the answer does not.
        return self.run.output(f'{bin_directory}/{name}', *arguments, user=user, cwd=self.directory)

    def ask(self, *statements):
        words = [word for statement in statements for word in ('-c', statement)]
        return self.tool('psql', *self.target, '-XqAt', 'postgres', *words).strip()

    def launch(self):
        self.server = self.run.start(f'{bin_directory}/postgres', '-D', f'{self.directory}/data', '-k', self.directory, '-p',
                                     str(self.port), '-c', 'listen_addresses=', user=user, cwd=self.directory)
        def answers():
            expect(self.server.poll() is None, 'the server ended: ' + self.run.log()[-300:])
            return 'accepting' in self.run.output(f'{bin_directory}/pg_isready', *self.target, user=user, status=(0, 1, 2)).split()
        self.run.wait_for(answers, 'a server that accepts connections')

    def start(self):
        self.tool('initdb', '-D', f'{self.directory}/data', '-A', 'trust', '--no-sync')
        self.launch()
        self.tool('pgbench', *self.target, '-i', '-q', '-s', '2', 'postgres')
        self.ask('create table told (n int)')

    def check_balance_adds_up(self):
        """Clients that wait for each other's locks; each committed transaction is in the history, and in all three balances."""
        said = self.tool('pgbench', *self.target, '-n', '-c', str(self.clients), '-j', '2', '-t', '150', 'postgres')
        self.done += int(re.search(r'actually processed: (\d+)/', said).group(1))
        balances = self.ask('select sum(abalance) from pgbench_accounts', 'select sum(tbalance) from pgbench_tellers',
                            'select sum(bbalance) from pgbench_branches', 'select sum(delta) from pgbench_history').split()
        expect_equal(len(set(balances)), 1, f'balances {balances}, so different ones')
        expect_equal(int(self.ask('select count(*) from pgbench_history')), self.done, 'transactions in the history')

    def check_notifications_come(self):
        """Backends that wake each other by SIGURG."""
        listener = self.run.start(f'{bin_directory}/psql', *self.target, '-XqAt', 'postgres', log='told', user=user, stdin=-1)
        listener.stdin.write(b"listen news; select 'listens';\n")
        listener.stdin.flush()
        self.run.wait_for(lambda: 'listens' in self.run.log('told'), 'a listener')
        self.ask("notify news, 'all well'")
        def told():
            listener.stdin.write(b'select 1;\n')
            listener.stdin.flush()
            return 'all well' in self.run.log('told')
        self.run.wait_for(told, 'the notification')
        listener.stdin.close()
        self.run.stop(listener, 0)

    def check_parallel_query(self):
        expect_equal(self.ask('set max_parallel_workers_per_gather=2', 'set parallel_setup_cost=0', 'set parallel_tuple_cost=0',
                              'set min_parallel_table_scan_size=0', 'select count(*), sum(aid) from pgbench_accounts'),
                     '200000|20000100000', 'a parallel sum')

    def check_lock_and_statement_time_limits(self):
        said = self.run.output(f'{bin_directory}/psql', *self.target, '-XqAt', 'postgres', '-c', 'set statement_timeout=200',
                               '-c', 'select pg_sleep(100)', user=user, status=(1,))
        expect('statement timeout' in said, said)

    def check_restart_keeps_all_rows(self):
        before = self.ask('select count(*), sum(delta) from pgbench_history')
        self.run.stop(self.server, signal.SIGINT)
        self.launch()
        expect_equal(self.ask('select count(*), sum(delta) from pgbench_history'), before, 'the history after the restart')

    def check_crash_keeps_committed_rows(self):
        """SIGQUIT: no checkpoint; the log has to have it all."""
        self.ask('insert into told select generate_series(1, 1000)')
        before = self.ask('select count(*) from told')
        self.run.stop(self.server, signal.SIGQUIT, status=(0, 1, 2))
        self.launch()
        expect_equal(self.ask('select count(*) from told'), before, 'rows after the crash')

    def stop(self):
        self.run.stop(self.server, signal.SIGINT)
