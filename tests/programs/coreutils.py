"""coreutils in pipelines: what they read through slow pipes and FIFOs has to come out whole."""
from harness import expect, expect_equal

tools = ['bash', 'sort', 'tee', 'timeout', 'dd', 'mkfifo', 'sha256sum', 'split', 'tail', 'nohup']
of_interest = ['sort', 'sleep', 'cat']
findings = {'tail_follows': [('tail', 'poll', 'error waiting for inotify and output events: Interrupted system call')]}


class Checks:
    def __init__(self, run):
        self.run = run

    def start(self):
        self.run.output('bash', '-c', 'seq 1 60000 | shuf --random-source=<(yes) > shuffled; sort -n shuffled > sorted')

    def shell(self, script, **options):
        """`slow` copies its input in pieces with pauses, so that the others wait; `same` compares its input with a file."""
        helpers = '''set -o pipefail
            slow() { local n; for n in 1 2 3 4 5; do head -c 70000; sleep 0.05; done; cat; }
            same() { [[ $(sha256sum) == $(sha256sum < "$1") ]] && echo the same; }
            '''
        return self.run.output('bash', '-c', helpers + script, **options).strip()

    def check_sort_of_a_slow_pipe(self):
        return self.shell('slow < shuffled | sort -n --parallel=4 -S 1M | same sorted')

    def check_tee_and_fifos(self):
        return self.shell('''
            rm -f one two; mkfifo one two
            sha256sum < one > sum1 & sha256sum < two > sum2 &
            slow < shuffled | tee one two | sha256sum > sum3
            wait; sha256sum < shuffled > sum4; [[ $(cat sum1 sum2 sum3 sum4 | uniq | wc -l) == 1 ]] && echo the same''')

    def check_dd(self):
        return self.shell('''
            slow < shuffled | dd bs=10000 iflag=fullblock status=none | dd ibs=777 obs=3333 status=none | same shuffled
            cat < <(slow < shuffled) | (dd bs=100000 count=3 iflag=fullblock status=none; cat > rest) | wc -c; wc -c < rest''')

    def check_cat_and_split(self):
        return self.shell('''
            rm -f part.*; slow < shuffled | cat -u | split -b 50000 - part.
            cat part.* | same shuffled; ls part.* | wc -l; slow < shuffled | cat -n | tac | sed -n 1p''')

    def check_timeout_and_sleep(self):
        return self.shell('''
            timeout 0.3 sleep 100; echo $?; timeout 100 sleep 0.1; echo $?; sh -c 'timeout -s KILL 0.2 sleep 100; echo $?' 2>/dev/null
            begin=$(date +%s%N); sleep 0.1 0.2; (($(date +%s%N) - begin >= 300000000)) && echo slept''')

    def check_tail_follows(self):
        return self.shell('''
            : > growing; tail -f -n +1 -s 0.05 growing > copy & follower=$!
            for i in {1..20}; do echo "line $i" >> growing; sleep 0.02; done
            until [[ $(< growing) == $(< copy) ]]; do kill -0 $follower || exit 1; sleep 0.05; done
            kill $follower; wait $follower; echo the same''')

    def stop(self):
        expect_equal(self.shell('sort -n shuffled | same sorted'), 'the same', 'the file at the end')
        expect('' == self.run.log(), self.run.log())
