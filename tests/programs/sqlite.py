"""sqlite3: two writers to one file, in both kinds of journal, and an integrity check."""
import contextlib
import os
import subprocess

from harness import expect, expect_equal

tools = ['sqlite3']
of_interest = ['sqlite3']
rows = 120


def holds_open(process, path):
    """The database is open when its lock is asked for; from then on nothing ends the writer but the lock or its time limit."""
    descriptors = f'/proc/{process.pid}/fd'
    with contextlib.suppress(OSError):
        return any(os.path.realpath(os.path.join(descriptors, fd)) == path for fd in os.listdir(descriptors))
    return False


class Checks:
    def __init__(self, run):
        self.run = run

    def start(self):
        pass

    def ask(self, database, *statements):
        return self.run.output('sqlite3', '-batch', '-bail', '-cmd', '.timeout 60000', database, *statements).strip()

    def both_write(self, journal):
        database = self.run.path(journal)
        self.ask(database, f'pragma journal_mode={journal}', 'drop table if exists rows', 'drop table if exists balance',
                 'create table rows (writer, n, unique (writer, n))', 'create table balance (name, amount)',
                 "insert into balance values ('a', 1000), ('b', 1000)")
        scripts = []
        for writer in 'ab':
            other = 'ba'[writer == 'b']
            scripts.append(self.run.write(f'{journal}.{writer}', '.bail on\n.timeout 60000\npragma synchronous=off;\n' + ''.join(
                f"begin immediate; insert into rows values ('{writer}', {n}); update balance set amount=amount-{n} where name='{writer}';"
                f"update balance set amount=amount+{n} where name='{other}'; commit;\n" for n in range(rows))))
        writers = []
        for script in scripts:
            with open(script) as text:
                writers.append(self.run.start('sqlite3', '-batch', database, stdin=text))
        for writer in writers:
            self.run.stop(writer, 0)
        expect_equal(self.ask(database, 'select count(*), sum(n) from rows', 'select sum(amount) from balance', 'pragma integrity_check'),
                     f'{2 * rows}|{rows * (rows - 1)}\n2000\nok', 'the database')

    def check_two_writers(self):
        self.both_write('delete')

    def check_two_writers_with_a_log(self):
        self.both_write('wal')

    def check_waits_for_a_lock(self):
        """A writer waits until another, which takes its time, has committed."""
        database = self.run.path('locked')
        self.ask(database, 'drop table if exists t', 'create table t (n)')
        # Its commit may meet the moment in which the other one looks, and holds a lock for that.
        slow = self.run.start('sqlite3', '-batch', '-cmd', '.timeout 60000', database, stdin=subprocess.PIPE, log='slow')
        slow.stdin.write(b"begin immediate; insert into t values (1);\n.print 'has the lock'\n")
        slow.stdin.flush()
        self.run.wait_for(lambda: 'has the lock' in self.run.log('slow'), 'the first writer')
        waiting = self.run.start('sqlite3', '-batch', '-cmd', '.timeout 60000', database, 'insert into t select max(n) + 1 from t')
        self.run.wait_for(lambda: waiting.poll() is not None or holds_open(waiting, database), 'the second writer')
        expect(waiting.poll() is None, 'the second writer did not wait')
        slow.stdin.write(b'commit;\n')
        slow.stdin.close()
        self.run.stop(slow, 0)
        self.run.stop(waiting, 0)
        os.remove(self.run.path('slow'))
        expect_equal(self.ask(database, 'select max(n), count(*) from t'), '2|2', 'rows')

    def check_dump_comes_back(self):
        script = ("sqlite3 -batch source \"create table if not exists t (n); delete from t; with recursive c(n) as (select 1 union all "
                  "select n + 1 from c where n < 20000) insert into t select n from c\"; rm -f copy; sqlite3 -batch source .dump | "
                  "sqlite3 -batch copy; sqlite3 -batch copy 'select count(*), sum(n) from t'")
        return self.run.output('bash', '-c', script).strip()

    def stop(self):
        pass
