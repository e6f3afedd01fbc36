# What bash waits for: jobs, children, traps, pipes, terminals' time limits. Prints what has to come out.
set -u
set -m  # jobs have process groups of their own
scratch=$1

echo "waits: $(sleep 0.1 & wait $!; echo $?) $( (exit 7) & wait $!; echo $?)"

{ sleep 0.2; exit 3; } & first=$!
{ sleep 0.1; exit 4; } & second=$!
wait -n; echo "the first to end: $?"
wait "$first"; echo "one: $?"
wait "$second"; echo "other: $?"

# A trap runs while the shell waits, and wait ends above 128.
trap 'echo trapped USR1' USR1
sleep 100 & sleeper=$!
{ sleep 0.1; kill -USR1 $$; } &
wait "$sleeper"; echo "wait ended by a trap: $?"
kill "$sleeper"; wait "$sleeper" 2>/dev/null; echo "ended by TERM: $?"
trap - USR1
wait

# Stopped and continued.
sleep 100 & sleeper=$!
kill -STOP "$sleeper"
until [[ $(jobs -l) == *Stopped* ]]; do sleep 0.02; jobs >/dev/null; done
echo "stopped"
kill -CONT "$sleeper"
while [[ $(jobs -l) == *Stopped* ]]; do sleep 0.02; jobs >/dev/null; done
kill "$sleeper"; wait "$sleeper" 2>/dev/null; echo "continued and ended: $?"

# read: a line, a time limit, a count of characters, byte by byte from a slow writer.
read -r line < <(sleep 0.1; echo "a line"); echo "read: $line"
mkfifo "$scratch/silent"
exec 5<>"$scratch/silent"
read -r -t 0.2 line <&5; echo "time limit: $(($? > 128))"
read -r -n 3 line < <(printf 'a'; sleep 0.1; printf 'bcdef'); echo "three: $line"
mapfile -t lines < <(for i in 1 2 3; do sleep 0.05; echo "line $i"; done); echo "lines: ${lines[*]}"

# Process substitution, here documents, pipes and their statuses, a coprocess.
diff <(seq 1 1000) <(seq 1 1000) && echo "the same"
seq 1 20000 | while read -r n; do ((n % 5000)) || echo "read $n"; done
false | sleep 0.05 | (exit 9); echo "pipe: ${PIPESTATUS[*]}"
coproc upper { tr a-z A-Z; }
echo "to the coprocess" >&"${upper[1]}"
exec {upper[1]}>&-
read -r line <&"${upper[0]}"; echo "$line"
wait

# Many children at once, and one after the other.
for i in {1..40}; do (exit $((i % 3))) & pids[i]=$!; done
sum=0; for i in {1..40}; do wait "${pids[i]}"; ((sum += $?)); done; echo "sum of statuses: $sum"
total=0; for i in {1..60}; do value=$(echo "$i"); ((total += value)); done; echo "sum of substitutions: $total"

trap 'echo at the end' EXIT
