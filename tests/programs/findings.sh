#!/usr/bin/env bash
# What FINDINGS.md and SWEEP.md say of programs, shown without the shim: strace lets one call of theirs fail with EINTR, as a
# signal whose handler has no SA_RESTART would. Prints a line for each, and ends with 1 if one does not fail so.
#
#     tests/programs/findings.sh
set -uo pipefail
scratch=$(mktemp -d)
cd "$scratch" || exit 1
started=()
finish() {
    for pid in "${started[@]}"; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' INT TERM
failed=0

# shows NAME CALL WORDS COMMAND…: the command fails and says the words when its CALL is interrupted.
shows() {
    local name=$1 call=$2 words=$3 status
    shift 3
    timeout 60 strace -f -o trace -e "trace=${call%%:*}" -e "inject=${call%%:*}:error=EINTR:when=${call##*:}" "${narrowed[@]}" "$@" \
        >said 2>&1 </dev/null
    status=$?
    if ((status != 0)) && grep -q INJECTED trace said && grep -qF -- "$words" said; then
        echo "$name: ${call%%:*} interrupted: status $status, $(grep -F -- "$words" said | head -1)"
    else
        echo "$name: NOT shown: status $status, $(cat trace said | grep -c INJECTED) interrupted, $(head -3 said)"
        failed=1
    fi
}

# differs NAME CALL OUTPUT COMMAND…: the command writes something else than OUTPUT, and its status is 0 all the same, when its CALL
# ends with `error`.
differs() {
    local name=$1 call=$2 output=$3 status
    shift 3
    timeout 60 strace -f -o trace -e "trace=${call%%:*}" -e "inject=${call%%:*}:error=$error:when=${call##*:}" "${narrowed[@]}" "$@" \
        >said 2>complained </dev/null
    status=$?
    if ((status == 0)) && grep -q INJECTED trace && [[ $(cat said) != "$output" ]]; then
        echo "$name: ${call%%:*} ended with $error: status 0, '$(head -1 said)', not '${output%%$'\n'*}', standard error: '$(head -1 complained)'"
    else
        echo "$name: NOT shown: status $status, $(grep -c INJECTED trace) interrupted, $(head -3 said complained)"
        failed=1
    fi
}
error=EINTR

# A FIFO that somebody writes slowly; the next command's calls on it alone are interrupted.
feed() {
    rm -f fifo
    mkfifo fifo
    (seq 1 30000; sleep 0.2; seq 30001 100000) >fifo 2>/dev/null &
    started+=("$!")
    narrowed=(-P "$scratch/fifo")
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

answers() {
    local deadline=$((SECONDS + 60))
    until (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}

seq 1 100000 >numbers
feed; shows diff read:2 'Interrupted system call' diff "$scratch/fifo" numbers
feed; shows cmp read:2 'Interrupted system call' cmp "$scratch/fifo" numbers
feed; shows 'cat of a FIFO' openat:1 'Interrupted system call' cat "$scratch/fifo"

narrowed=()
: >growing
(for ((i = 0; i < 100; ++i)); do echo line; sleep 0.1; done >>growing) &
started+=("$!")
shows 'tail -f' poll:2 'error waiting for inotify and output events' tail -f -s 0.05 growing

echo 'int main(void) { return 0; }' >program.c
shows gcc wait4:1 'failed to get exit status' cc program.c -o program

# Its 32 KiB are read once and again: the second is the one that is interrupted.
feed; differs 'curl -T -' read:2 "$(cksum <numbers)" sh -c "curl -sS -T - 'file://$scratch/uploaded' <fifo && cksum <uploaded"
error=EIO
feed; differs 'curl -T -, EIO' read:2 "$(cksum <numbers)" sh -c "curl -sS -T - 'file://$scratch/uploaded' <fifo && cksum <uploaded"
port=$(free_port)
mkdir from into
cp numbers from
printf 'use chroot = no\n[from]\npath = %s\n' "$scratch/from" >daemon.conf
((EUID != 0)) || sed -i '1i uid = 0\ngid = 0' daemon.conf
rsync --daemon --no-detach --address 127.0.0.1 --port "$port" --config "$scratch/daemon.conf" 2>/dev/null &
started+=("$!")
answers "$port"
rm -f fifo
mkfifo fifo
echo numbers >fifo &
started+=("$!")
differs 'rsync --files-from=-, EIO' read:1 numbers sh -c "rsync -a --files-from=- rsync://127.0.0.1:$port/from/ into <fifo && ls into"
error=EINTR
narrowed=()

# What could not be executed tells its number (2: ENOENT) by a pipe.
missing=(perl -e 'no warnings; print system("/no/such/command"), "\n"')
strace -o trace -e trace=read "${missing[@]}" >said
differs 'perl system' "read:$(grep '^read' trace | grep -n '"\\2\\0\\0\\0", 4)' | cut -d: -f1)" -1 "${missing[@]}"
differs 'perl system, its child' write:1 -1 "${missing[@]}"

port=$(free_port)
redis-server --bind 127.0.0.1 --port "$port" --save "" --appendonly no --repl-diskless-sync-delay 0 >/dev/null &
started+=("$!")
answers "$port"
shows redis-cli sendto:1 'Error: ' redis-cli -p "$port" set word value
shows 'redis-cli, connecting' poll:1 'poll(2): Interrupted system call' redis-cli -p "$port" --pipe
printf 'echo one\necho two\n' >commands
differs 'redis-cli <commands' sendto:1 $'one\ntwo' sh -c "redis-cli -p $port <commands"
shows 'redis-cli --rdb' recvfrom:3 'Error reading bulk length' redis-cli -p "$port" --rdb copy.rdb
error=ECONNRESET
differs 'redis-cli <commands, reset' sendto:2 $'one\ntwo' sh -c "redis-cli -p $port <commands"
error=EINTR
feed; shows 'redis-cli --pipe' read:1 'Error reading from stdin' sh -c "redis-cli -p $port --pipe <fifo"
feed; shows 'redis-cli -x' read:1 'Reading from standard input' sh -c "redis-cli -p $port -x echo <fifo"
narrowed=()

shows 'nc, a poll' poll:1 'polling error: Interrupted system call' nc -N 127.0.0.1 "$port"
shows 'nc -l' accept4:1 'accept: Interrupted system call' nc -l 127.0.0.1 "$(free_port)"
error=EIO
feed; port=$(free_port)
nc -l 127.0.0.1 "$port" >received & listener=$!; started+=("$listener")
until grep -qi ":$(printf '%04X' "$port") 00000000:0000 0A" /proc/net/tcp; do sleep 0.05; done
differs 'nc, EIO' read:2 "$(cksum <numbers)" sh -c "nc -N 127.0.0.1 $port <fifo && tail --pid=$listener -f /dev/null && cksum <received"
error=EINTR
narrowed=()

port=$(free_port)
for name in host key; do ssh-keygen -q -t ed25519 -N '' -f "$name"; done
mkdir -p /run/sshd 2>/dev/null
/usr/sbin/sshd -D -f /dev/null -o "Port=$port" -o ListenAddress=127.0.0.1 -o "HostKey=$scratch/host" -o PidFile=none -o UsePAM=no \
    -o PermitRootLogin=yes -o StrictModes=no -o "AuthorizedKeysFile=$scratch/key.pub" -o 'Subsystem=sftp internal-sftp' 2>/dev/null &
started+=("$!")
answers "$port"
options=(-F none -i "$scratch/key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=known -o LogLevel=ERROR)
shows ssh connect:1+ 'Interrupted system call' ssh -p "$port" "${options[@]}" 127.0.0.1 true
# scp says nothing: the words are those of a trace that shows its end.
narrowed=(-e signal=none -o /dev/stdout)
shows scp wait4:1 'exited with 1' scp -q -P "$port" "${options[@]}" "127.0.0.1:$scratch/numbers" copied
narrowed=()

git init -q --bare served/origin
port=$(free_port)
git daemon --reuseaddr --listen=127.0.0.1 --port="$port" --export-all --base-path="$scratch/served" 2>/dev/null &
started+=("$!")
answers "$port"
shows git connect:1 'Interrupted system call' git clone "git://127.0.0.1:$port/origin" clone

port=$(free_port)
memcached -u nobody -l 127.0.0.1 -p "$port" -U 0 &
started+=("$!")
answers "$port"
shows memcaslap connect:1 'servers' memcaslap -s "127.0.0.1:$port" -T 2 -c 16 -x 1000

# A writer that keeps its lock: with a busy timeout of ten minutes nobody would say so before.
mkfifo writes
sqlite3 -batch locked <writes >locked.said & started+=("$!")
exec 8>writes
printf '%s\n' 'create table t (n); begin exclusive;' ".print 'has the lock'" >&8
until grep -q 'has the lock' locked.said; do sleep 0.05; done
shows sqlite3 clock_nanosleep:1+ 'database is locked' sqlite3 -batch -cmd '.timeout 600000' locked 'insert into t values (1)'
exec 8>&-

# wrk asks anybody who listens before it begins.
shows wrk connect:1 'Interrupted system call' wrk -t 1 -c 1 -d 1s "http://127.0.0.1:$port/"
exit "$failed"
