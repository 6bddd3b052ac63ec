# A web server of Perl's own modules, which every Debian has: says hello on port 8000 until SIGTERM.
use strict;
use warnings;
use IO::Socket::INET;

$| = 1;
$SIG{TERM} = sub { print "stopping\n"; exit 0 };
$SIG{PIPE} = 'IGNORE';

my $listener = IO::Socket::INET->new(LocalPort => 8000, Listen => 16, ReuseAddr => 1)
    or die "cannot listen on port 8000: $@\n";
print "listening on port 8000\n";

while (1) {
    my $client = $listener->accept or next;
    my $request = <$client> // '';
    while (my $header = <$client>) { last if $header =~ /^\r?\n$/ }
    my ($path) = $request =~ m{^GET (\S+)};
    my ($status, $body) = !defined $path ? ('400 Bad Request', "only GET is understood\n")
        : $path eq '/health'             ? ('200 OK', "ok\n")
        :                                  ('200 OK', "Hello from a container without Docker!\n");
    print $client "HTTP/1.0 $status\r\nContent-Type: text/plain\r\nContent-Length: ", length $body, "\r\n\r\n$body";
    close $client;
    print "GET $path\n" if defined $path && $path ne '/health';
}
