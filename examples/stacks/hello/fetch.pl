# perl fetch.pl HOST PATH: prints what the web server on port 8000 of HOST answers; fails when it is not a 200.
use strict;
use warnings;
use IO::Socket::INET;

my ($host, $path) = @ARGV;
my $server = IO::Socket::INET->new(PeerAddr => $host, PeerPort => 8000, Timeout => 5)
    or die "cannot reach $host: $@\n";
print $server "GET $path HTTP/1.0\r\nHost: $host\r\n\r\n";
my $answer = do { local $/; <$server> } // '';
my ($head, $body) = split /\r\n\r\n/, $answer, 2;
die "$host answers: $head\n" unless $head =~ m{^HTTP/1\.\d 200 };
print "$host says: $body";
