"""Counts visits in a database, and answers in JSON how many there were."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import postgres


def database():
    return postgres.Connection("db", 5432, user="app", database="app", password=os.environ["DATABASE_PASSWORD"])


def visit():
    with database() as db:
        db.query("CREATE TABLE IF NOT EXISTS visits (at timestamptz DEFAULT now())")
        db.query("INSERT INTO visits DEFAULT VALUES")
        ((count,),) = db.query("SELECT count(*) FROM visits")
    return {"visits": int(count)}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            body = {"well": True} if self.path == "/health" else visit()
            status = 200
        except (OSError, postgres.Error) as error:
            status, body = 503, {"error": str(error)}
        text = (json.dumps(body) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("", 8090), Handler).serve_forever()
