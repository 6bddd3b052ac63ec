"""The shop: answers in JSON what is sold and how often that was asked, and takes orders.

Only the standard library, so that the stack needs nothing from a package index.
"""

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import postgres
import redis


def database():
    password = Path("/run/secrets/db_password").read_text().strip()
    return postgres.Connection("db", 5432, user="shop", database="shop", password=password)


def catalogue():
    with database() as db:
        products = [{"name": name, "price": price} for name, price in db.query("SELECT name, price FROM products ORDER BY name")]
        ((orders,),) = db.query("SELECT count(*) FROM orders")
    return {"products": products, "orders": int(orders), "visits": redis.command("cache", 6379, "INCR", "visits")}


def order():
    with database() as db:
        ((number,),) = db.query("INSERT INTO orders DEFAULT VALUES RETURNING id")
    return {"order": int(number)}


def health():
    with database() as db:
        db.query("SELECT 1")
    return {"cache": redis.command("cache", 6379, "PING")}


ROUTES = {("GET", "/"): catalogue, ("POST", "/orders"): order, ("GET", "/health"): health}


class Handler(BaseHTTPRequestHandler):
    def answer(self):
        route = ROUTES.get((self.command, self.path))
        if route is None:
            return self.reply(404, {"error": f"no {self.command} {self.path}"})
        try:
            self.reply(200, route())
        except (OSError, postgres.Error, redis.Error) as error:
            self.reply(503, {"error": str(error)})

    do_GET = do_POST = answer

    def reply(self, status, value):
        body = (json.dumps(value) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("the shop is open on port 8000")
    ThreadingHTTPServer(("", 8000), Handler).serve_forever()
