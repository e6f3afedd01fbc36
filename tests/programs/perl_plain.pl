# What perl itself does about interrupted calls: a script that does not think of them. It prints what has to come out.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
$| = 1;

pipe my $reader, my $writer or die;
my $pid = fork // die;
if (!$pid) {
    close $reader;
    print $writer "line $_\n" for 1 .. 2000;
    close $writer;
    exit 0;
}
close $writer;
my @lines = <$reader>;
print 'lines: ', scalar @lines, "\n";
waitpid $pid, 0;
print "status: $?\n";

print 'backticks: ', `echo from backticks`;
print 'system: ', system('exit 5;') >> 8, "\n";
{ no warnings; print "no command: ", system("/no/such/command"), "\n" }
open my $command, '-|', 'echo from a command' or die;
print 'command: ', <$command>;
print 'close: ', (close $command) ? 'well' : "not: $!", "\n";
open my $sink, '|-', 'cat' or die;
print $sink "to a command\n";
print 'close: ', (close $sink) ? 'well' : "not: $!", "\n";

my $server = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die $!;
$pid = fork // die;
if (!$pid) {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->sockport) or die "connect: $!\n";
    print $socket "over a socket\n";
    exit 0;
}
my @ready = IO::Select->new($server)->can_read(3) or print "select: $!\n";
my $socket = @ready ? $server->accept : undef or print "accept: $!\n";
print 'socket: ', $socket ? <$socket> // "nothing: $!\n" : "none\n";
waitpid $pid, 0;
print "status: $?\n";
