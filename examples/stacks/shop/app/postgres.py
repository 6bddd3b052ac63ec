"""A PostgreSQL client of a hundred lines: one connection, simple queries, SCRAM-SHA-256 (RFC 7677).

Takes queries without parameters only: never build one from what a user sent.
See https://www.postgresql.org/docs/current/protocol-flow.html
"""

import base64
import hashlib
import hmac
import os
import socket
import struct


class Error(Exception):
    """What the server refused."""


class Connection:
    """A connection; closes with its `with` block."""

    def __init__(self, host, port, user, database, password):
        self.socket = socket.create_connection((host, port), timeout=5)
        self.reader = self.socket.makefile("rb")
        try:
            start = struct.pack("!i", 3 << 16) + b"".join(
                word.encode() + b"\0" for word in ("user", user, "database", database, "")
            )
            self.socket.sendall(struct.pack("!i", len(start) + 4) + start)
            self.authenticate(password)
            self.until_ready()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.reader.close()
        self.socket.close()

    def query(self, text):
        """Returns the rows of `text`, each a list of texts or None."""
        self.send(b"Q", text.encode() + b"\0")
        return [row(body) for kind, body in self.until_ready() if kind == b"D"]

    def send(self, kind, body):
        self.socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def receive(self):
        """Returns the kind and the body of one message; raises when it is an error."""
        head = self.reader.read(5)
        if len(head) < 5:
            raise Error("the connection was closed")
        kind, (length,) = head[:1], struct.unpack("!i", head[1:])
        body = self.reader.read(length - 4)
        if kind == b"E":
            fields = {field[:1]: field[1:].decode() for field in body.split(b"\0") if field}
            raise Error(fields.get(b"M", "unknown error"))
        return kind, body

    def until_ready(self):
        messages = []
        while not messages or messages[-1][0] != b"Z":
            messages.append(self.receive())
        return messages

    def authentication(self, expected):
        """Returns what follows the code of an authentication message, which must be `expected`."""
        kind, body = self.receive()
        (code,) = struct.unpack("!i", body[:4])
        if kind != b"R" or code != expected:
            raise Error(f"the server wants authentication {code}, and this client only knows SCRAM-SHA-256")
        return body[4:]

    def authenticate(self, password):
        self.authentication(expected=10)
        nonce = base64.b64encode(os.urandom(18)).decode()
        first = f"n=,r={nonce}"
        initial = b"n,," + first.encode()
        self.send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(initial)) + initial)

        challenge = self.authentication(expected=11).decode()
        fields = dict(field.split("=", 1) for field in challenge.split(","))
        if not fields["r"].startswith(nonce):
            raise Error("the server's nonce does not begin with ours")
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        final = f"c=biws,r={fields['r']}"
        signed = f"{first},{challenge},{final}".encode()
        client_key = digest(salted, b"Client Key")
        signature = digest(hashlib.sha256(client_key).digest(), signed)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.send(b"p", f"{final},p={base64.b64encode(proof).decode()}".encode())

        verifier = base64.b64encode(digest(digest(salted, b"Server Key"), signed))
        if self.authentication(expected=12) != b"v=" + verifier:
            raise Error("the server does not know the password")
        self.authentication(expected=0)


def digest(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def row(body):
    (count,) = struct.unpack("!h", body[:2])
    values, at = [], 2
    for _ in range(count):
        (length,) = struct.unpack("!i", body[at : at + 4])
        at += 4
        if length < 0:
            values.append(None)
        else:
            values.append(body[at : at + length].decode())
            at += length
    return values
