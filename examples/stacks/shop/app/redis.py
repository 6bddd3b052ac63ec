"""One Redis command over a socket. See https://redis.io/docs/latest/develop/reference/protocol-spec/"""

import socket


class Error(Exception):
    """What Redis refused."""


def command(host, port, *words):
    """Sends `words` and returns the reply: text, or an int."""
    with socket.create_connection((host, port), timeout=5) as connection:
        request = f"*{len(words)}\r\n" + "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        connection.sendall(request.encode())
        with connection.makefile("rb") as reply:
            line = reply.readline().decode().rstrip("\r\n")
            kind, rest = line[:1], line[1:]
            if kind == "+":
                return rest
            if kind == ":":
                return int(rest)
            if kind == "$":
                return None if rest == "-1" else reply.read(int(rest)).decode()
            raise Error(rest or "the connection was closed")
