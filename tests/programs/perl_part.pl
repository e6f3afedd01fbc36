# What perl waits for: children, pipes, alarms, select, sockets. It repeats what a signal has interrupted, as perlipc tells,
# and prints what has to come out.
use strict;
use warnings;
use Errno qw(EINTR);
use IO::Select;
use IO::Socket::INET;
use POSIX qw(:sys_wait_h sigaction SIGUSR1);
use Time::HiRes qw(sleep time ualarm);
$| = 1;

sub await {
    my ($pid) = @_;
    my $found;
    do { $found = waitpid($pid, 0) } while $found < 0 && $! == EINTR;
    return $found == $pid ? $? >> 8 : "lost: $!";
}
sub read_all {
    my ($handle) = @_;
    my $all = '';
    while (1) {
        my $got = sysread($handle, $all, 4096, length $all);
        next if !defined $got && $! == EINTR;
        die "read: $!" if !defined $got;
        return $all if !$got;
    }
}
sub write_all {
    my ($handle, $bytes) = @_;
    for (my $done = 0; $done < length $bytes;) {
        my $wrote = syswrite($handle, $bytes, length($bytes) - $done, $done);
        next if !defined $wrote && $! == EINTR;
        die "write: $!" if !defined $wrote;
        $done += $wrote;
    }
}
sub rest {
    my $end = time + shift;
    while ((my $left = $end - time) > 0) { select undef, undef, undef, $left }
}

my @children = map { my $n = $_; my $pid = fork // die; if (!$pid) { rest(0.02 * $n); POSIX::_exit($n) } $pid } 1 .. 6;
print 'statuses: ', join(' ', map { await($_) } @children), "\n";

pipe my $reader, my $writer or die;
my $pid = fork // die;
if (!$pid) {
    close $reader;
    for my $part (1 .. 20) { write_all($writer, "$part" x 5000); rest(0.005) }
    POSIX::_exit(0);
}
close $writer;
my $sum = unpack '%32C*', read_all($reader);
print "pipe: $sum ", await($pid), "\n";

my $alarms = 0;
$SIG{ALRM} = sub { ++$alarms };
for (1 .. 10) { my $before = $alarms; ualarm 10_000; rest(0.01) while $alarms == $before }
print "alarms: $alarms\n";
my $stopped = eval { local $SIG{ALRM} = sub { die "time is over\n" }; alarm 1; rest(100); 1 } ? 'no' : $@;
print "eval: $stopped";

my $server = IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die $!;
my @clients = map {
    my $n = $_;
    my $pid = fork // die;
    if (!$pid) {
        my $socket;
        do { $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->sockport) } until $socket || $! != EINTR;
        POSIX::_exit(1) if !$socket;
        write_all($socket, chr(64 + $n) x (20_000 * $n));
        shutdown $socket, 1;
        POSIX::_exit(read_all($socket) eq scalar reverse('bytes ' . 20_000 * $n) ? 0 : 2);
    }
    $pid;
} 1 .. 5;
my $select = IO::Select->new($server);
my (%got, $served);
while (($served // 0) < 5) {
    for my $handle ($select->can_read(30)) {
        if ($handle == $server) {
            my $socket = $server->accept or next;
            $select->add($socket);
            next;
        }
        my $count = sysread $handle, my $bytes, 65536;
        next if !defined $count && $! == EINTR;
        $got{$handle} += $count;
        next if $count;
        write_all($handle, scalar reverse 'bytes ' . delete $got{$handle});  # another handle may get the same name
        $select->remove($handle);
        close $handle;
        ++$served;
    }
}
print 'sockets: ', join(' ', map { await($_) } @clients), "\n";

my $usr = 0;
sigaction(SIGUSR1, POSIX::SigAction->new(sub { ++$usr }));
my $parent = $$;
$pid = fork // die;
if (!$pid) { for (1 .. 5) { kill 'USR1', $parent; rest(0.02) } POSIX::_exit(0) }
my $status = await($pid);
print "signals: ", ($usr >= 1 ? 'came' : 'did not come'), " $status\n";

open my $command, '-|', 'sleep 0.1; echo from a command' or die;
print 'command: ', read_all($command);
close $command;
print 'backticks: ', `echo from backticks`;
print 'system: ', system('exit 5;') >> 8, "\n";
