#!/usr/bin/env python3
"""An HTTP server of one file that gives each connection its own rate. Prints its port.

nginx's limit_rate can't serve for these rows: it allows each request a second's worth at once, so
that a client that asks often beats the bound. Here the rate belongs to the connection, whatever is
asked on it, and a connection that waits saves nothing up."""
import argparse
import os
import re
import socket
import threading
import time

PIECE = 64 * 1024
GRACE = 0.02  # a server that was woken late may catch up on this much time


class Throttle:
    def __init__(self, rate):
        self.rate, self.due = rate, 0.0

    def wait(self, size):
        now = time.monotonic()
        self.due = max(self.due, now - GRACE) + size / self.rate
        if self.due > now:
            time.sleep(self.due - now)


class Connection:
    def __init__(self, stream, server):
        self.stream, self.server, self.throttle, self.pending = stream, server, None, b""

    def run(self):
        try:
            while self.answer():
                pass
        except OSError:
            pass
        self.stream.close()

    def head(self):
        while b"\r\n\r\n" not in self.pending:
            piece = self.stream.recv(65536)
            if not piece:
                return None
            self.pending += piece
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        return head.decode("latin-1")

    def answer(self):
        head = self.head()
        if head is None:
            return False
        size = self.server.size
        asked = re.search(r"^range: *bytes=(\d+)-(\d*)", head, re.I | re.M)
        begin = int(asked[1]) if asked else 0
        end = min(int(asked[2]) + 1 if asked and asked[2] else size, size)
        lines = [f"HTTP/1.1 {'206 Partial Content' if asked else '200 OK'}", 'ETag: "bench-1"',
                 "Accept-Ranges: bytes", "Content-Type: application/octet-stream",
                 f"Content-Length: {end - begin}"]
        if asked:
            lines.append(f"Content-Range: bytes {begin}-{end - 1}/{size}")
        self.stream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        if not head.startswith("HEAD "):
            self.body(begin, end)
        return True

    def body(self, begin, end):
        rate = self.rate()
        while begin < end:
            if rate == 0 and begin > 0:
                self.server.ended.wait()  # stalled: neither bytes nor an end
            self.throttle.wait(min(PIECE, end - begin))
            begin += os.sendfile(self.stream.fileno(), self.server.file, begin,
                                 min(PIECE, end - begin))

    def rate(self):
        """The rate is drawn with the first body, so that a connection that only probes counts not."""
        if self.throttle is None:
            self.given = self.server.next_rate()
            self.throttle = Throttle(self.given or self.server.rate)
        return self.given


class Server:
    def __init__(self, path, rate, odd_one, odd_rate):
        self.file = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self.file).st_size
        self.rate, self.odd_one, self.odd_rate = rate, odd_one, odd_rate
        self.lock, self.count, self.ended = threading.Lock(), 0, threading.Event()

    def next_rate(self):
        with self.lock:
            self.count += 1
            return self.odd_rate if self.count == self.odd_one else self.rate

    def run(self, port):
        listener = socket.create_server(("127.0.0.1", port), backlog=64)
        print(listener.getsockname()[1], flush=True)
        while True:
            stream, _ = listener.accept()
            # A large buffer would hide the rate behind a burst.
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * PIECE)
            threading.Thread(target=Connection(stream, self).run, daemon=True).start()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--rate", type=float, required=True, help="bytes per second, each connection")
    parser.add_argument("--odd-one", type=int, default=0, help="this connection, counted from 1, …")
    parser.add_argument("--odd-rate", type=float, default=0, help="… has this rate; 0: it stalls")
    options = parser.parse_args()
    Server(options.file, options.rate, options.odd_one, options.odd_rate).run(options.port)
