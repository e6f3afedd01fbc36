# The other end of a listener that is swept: connects to it as soon as it listens, and sends it the file, or reads to the end and
# says what came.
#
#     perl sweep_peer.pl send|receive ADDRESS PORT FILE
use strict;
use warnings;
use IO::Socket::INET;
my ($what, $address, $port, $file) = @ARGV;
my ($socket, $tries);
until ($socket = IO::Socket::INET->new(PeerAddr => $address, PeerPort => $port)) {
    ++$tries < 500 or die "nobody listens: $!\n";
    select undef, undef, undef, 0.01;
}
local $/;
open my $source, '<', $file or die "$file: $!\n";
my $text = <$source>;
if ($what eq 'send') {
    print $socket $text;
    shutdown $socket, 1;
    <$socket>;
} else {
    my $came = <$socket>;
    print STDERR $came eq $text ? "all of it came\n" : 'came: ' . length($came) . "\n";
}
