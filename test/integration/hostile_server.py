#!/usr/bin/env python3
"""A raw HTTP server on loopback, with one path per misbehaviour. Standard library only.

Run it alone to try things by hand: `hostile_server.py [PORT]` prints its address. From a test, use
`HostileServer()` as a context manager; `requests` then holds what arrived, `state` what the test
wants to be different.
"""
import hashlib
import re
import socket
import socketserver
import sys
import threading
import time

SIZE = 3 * 1024 * 1024 + 17


def content(seed, size=SIZE):
    """The same bytes for the same seed; no piece of one file looks like a piece of another."""
    out = bytearray()
    counter = 0
    while len(out) < size:
        out += hashlib.sha256(f"{seed}:{counter}".encode()).digest() * 32
        counter += 1
    return bytes(out[:size])


class Request:
    def __init__(self, method, target, headers):
        self.method, self.target, self.headers = method, target, headers
        self.path = target.split("?")[0]

    def range(self, size):
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
        if not match:
            return None
        begin = int(match[1])
        return begin, min(int(match[2]) + 1 if match[2] else size, size)


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.settimeout(60)
        try:
            while self.one():
                pass
        except OSError:
            pass

    def one(self):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.request.recv(65536)
            if not piece:
                return False
            head += piece
        lines = head.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {k.strip().lower(): v.strip() for k, v in (l.split(":", 1) for l in lines[1:])}
        request = Request(method, target, headers)
        with self.server.lock:
            self.server.requests.append(request)
        name = "do_" + request.path.strip("/").split("/")[0].replace("-", "_")
        action = getattr(self, name, self.do_missing)
        return action(request) is True

    def send(self, status, headers=(), body=b"", length=True):
        lines = [f"HTTP/1.1 {status}"] + [f"{k}: {v}" for k, v in headers]
        if length:
            lines.append(f"Content-Length: {len(body)}")
        self.request.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)
        return True

    def serve(self, request, body, etag, extra=()):
        """What an honest server does, for the paths that misbehave in one respect only."""
        headers = [("ETag", f'"{etag}"'), ("Accept-Ranges", "bytes"), *extra]
        asked = request.range(len(body))
        condition = request.headers.get("if-range")
        if request.headers.get("if-match", f'"{etag}"') != f'"{etag}"':
            return self.send("412 Precondition Failed", headers)
        if asked is None or (condition and condition != f'"{etag}"'):
            return self.send("200 OK", headers, b"" if request.method == "HEAD" else body)
        if asked[0] >= len(body):
            headers.append(("Content-Range", f"bytes */{len(body)}"))
            return self.send("416 Range Not Satisfiable", headers)
        headers.append(("Content-Range", f"bytes {asked[0]}-{asked[1] - 1}/{len(body)}"))
        return self.send("206 Partial Content", headers, body[asked[0]:asked[1]])

    def cut(self, request, body, etag, sent):
        """An honest head, then only `sent` bytes of the body and the end of the connection."""
        asked = request.range(len(body)) or (0, len(body))
        head = ["HTTP/1.1 206 Partial Content" if request.range(len(body)) else "HTTP/1.1 200 OK",
                f'ETag: "{etag}"', "Accept-Ranges: bytes",
                f"Content-Length: {asked[1] - asked[0]}"]
        if request.range(len(body)):
            head.append(f"Content-Range: bytes {asked[0]}-{asked[1] - 1}/{len(body)}")
        self.request.sendall(("\r\n".join(head) + "\r\n\r\n").encode()
                             + body[asked[0]:min(asked[1], asked[0] + sent)])
        return False

    # --- paths ---------------------------------------------------------------------------------

    def do_missing(self, request):
        return self.send("404 Not Found", body=b"no such misbehaviour")

    def do_good(self, request):
        return self.serve(request, content(request.path), "good-1")

    def do_status(self, request):
        return self.send(request.path.split("/")[2] + " Status", body=b"an \x1b[31merror\x1b[0m page")

    def do_no_head(self, request):
        if request.method == "HEAD":
            return self.send("405 Method Not Allowed")
        return self.serve(request, content(request.path), "nohead-1")

    def do_redirect_loop(self, request):
        return self.send("302 Found", [("Location", "/redirect-loop")])

    def do_redirect_scheme(self, request):
        return self.send("302 Found", [("Location", "file:///etc/passwd")])

    def do_redirect(self, request):
        return self.send("302 Found", [("Location", "/good/redirected.bin")])

    def do_garbage(self, request):
        self.request.sendall(b"\x00\x01\x02 this is not HTTP\r\n\r\n" * 40)
        return False

    def do_never_answers(self, request):
        self.server.ended.wait(60)
        return False

    def do_retry_after_forever(self, request):
        return self.send("503 Service Unavailable", [("Retry-After", "1000000000")])

    def do_lies_length(self, request):
        """Announces more than it ever sends and takes no ranges."""
        body = content(request.path, 100_000)
        self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + body)
        return False

    def do_lies_range(self, request):
        """A 206 that starts somewhere else than asked, whatever was asked."""
        body = content(request.path)
        headers = [("ETag", '"lie"'), ("Content-Range", f"bytes 4096-{SIZE - 1}/{SIZE}")]
        return self.send("206 Partial Content", headers, body[4096:])

    def do_hostile_name(self, request):
        """A path upwards, an escape sequence and a character that turns the suffix around."""
        name = "UTF-8''..%2F..%2Fevil%1B[2J%E2%80%AEnib.exe"
        return self.serve(request, content("hostile-name"), "name-1",
                          [("Content-Disposition", f"attachment; filename*={name}")])

    def do_control_header(self, request):
        return self.send("200 OK", [("X-Note", "evil\x1b[2J\x00")], content("control", 1000))

    def do_gzip(self, request):
        import gzip
        return self.send("200 OK", [("ETag", '"gz"'), ("Content-Encoding", "gzip")],
                         gzip.compress(content("gzip", 200_000), mtime=0))

    def do_changes_midway(self, request):
        """Version 1 breaks off once; from then on there is version 2 only."""
        with self.server.lock:
            first = not self.server.state.get("changed")
            self.server.state["changed"] = True
        if first:
            return self.cut(request, content("version-1"), "v1", 1_000_000)
        return self.serve(request, content("version-2"), "v2")

    def do_always_changes(self, request):
        with self.server.lock:
            number = self.server.state["n"] = self.server.state.get("n", 0) + 1
        return self.cut(request, content(f"version-{number}"), f"v{number}", 300_000)

    def do_two_runs(self, request):
        """The test switches the version between two runs; version 1 never ends."""
        version = self.server.state.get("version", 1)
        body = content(f"run-{version}")
        if version == 1 and not self.server.state.get("healthy"):
            return self.cut(request, body, "run1", 700_000)
        return self.serve(request, body, f"run{version}")

    def do_until_close(self, request):
        body = content("until-close", 100_000)
        self.send("200 OK", body=b"", length=False)
        self.request.sendall(body)
        return False

    def do_slow(self, request):
        """An honest answer at about 400 KiB/s for each connection, unless the test says `fast`."""
        body = content("slow")
        if self.server.state.get("fast"):
            return self.serve(request, body, "slow-1")
        begin, end = request.range(SIZE) or (0, SIZE)
        partial = request.range(SIZE) is not None
        head = ["HTTP/1.1 206 Partial Content" if partial else "HTTP/1.1 200 OK", 'ETag: "slow-1"',
                "Accept-Ranges: bytes", f"Content-Length: {end - begin}"]
        if partial:
            head.append(f"Content-Range: bytes {begin}-{end - 1}/{SIZE}")
        self.request.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        for at in range(begin, end, 8192):
            self.request.sendall(body[at:min(at + 8192, end)])
            time.sleep(0.02)
        return True

    def do_poll(self, request):
        """A resource whose value the test sets, with conditional requests; `held` is for how long a
        long-poll is held."""
        value = self.server.state.get("value", b"{\"n\": 1}")
        tag = '"' + hashlib.sha256(value).hexdigest()[:16] + '"'
        if request.headers.get("if-none-match") == tag:
            if "wait=" in request.target:
                self.server.ended.wait(self.server.state.get("held", 0))
            return self.send("304 Not Modified", [("ETag", tag)], length=False)
        return self.send("200 OK", [("ETag", tag)], value)

    def do_echo_headers(self, request):
        return self.send("200 OK", body=request.headers.get("x-key", "").encode())


class HostileServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.lock, self.ended = threading.Lock(), threading.Event()
        self.requests, self.state = [], {}
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        pass  # clients that go away are the purpose

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.shutdown()
        self.server_close()


if __name__ == "__main__":
    with HostileServer(int(sys.argv[1]) if len(sys.argv) > 1 else 0) as server:
        print(server.url, flush=True)
        threading.Event().wait()
