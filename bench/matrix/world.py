"""The server of one cell: one file under one fault, paced, so that a client can be killed mid-way."""
import threading
import time

import hostile_server
from faults import SIZE, honest

PIECE = 32 * 1024
PACE = 8 * 1024 * 1024  # bytes per second, over all connections
HALF = SIZE // 2
KILL_AT = SIZE * 35 // 100


class World:
    """What all connections of a cell share."""

    def __init__(self, fault, hold):
        self.fault, self.lock = fault, threading.Lock()
        self.sent, self.due, self.epoch, self.connections = 0, 0.0, 0, 0
        self.since_cut, self.cut, self.changed, self.healthy = 0, False, False, False
        self.hold, self.held, self.ended = hold, threading.Event(), threading.Event()

    def end_first_run(self):
        with self.lock:
            self.hold, self.changed = False, self.fault.changes == "between the runs"
            self.epoch += 1

    def heal(self):
        with self.lock:
            self.hold, self.healthy = False, True
            self.epoch += 1

    def counted_since_cut(self):
        with self.lock:
            self.since_cut += self.cut
            return self.since_cut if self.cut else 1 << 30

    def before(self, size):
        """The pace; and the pause in which the client is killed. False: the connection is cut."""
        with self.lock:
            epoch = self.epoch
            self.due = max(self.due, time.monotonic() - 0.01) + size / PACE
            pause = self.due - time.monotonic()
            held = self.hold and self.sent >= KILL_AT
        if held:
            self.held.set()
            self.ended.wait(20)
            return False
        if pause > 0:
            time.sleep(pause)
        return epoch == self.epoch

    def after(self, size):
        with self.lock:
            self.sent += size
            if self.sent >= HALF and self.fault.cut and not self.cut and not self.healthy:
                self.cut = True
                self.changed = self.changed or self.fault.changes == "mid-way"
                self.epoch += 1


class Exchange(hostile_server.Handler):
    """One connection. `give` sends a body at the pace, `send` a short answer at once."""

    def setup(self):
        self.world = self.server.world
        with self.world.lock:
            self.world.connections += 1
            self.number = self.world.connections

    def generation(self):
        fault = self.world.fault
        if fault.mirrors and not self.world.healthy:
            return 1 + self.number % 2
        return 2 if self.world.changed or fault.mirrors else 1

    def do_missing(self, request):
        self.method = request.method
        answer = honest if self.world.healthy else self.world.fault.answer
        return answer(self, request)

    do_g1 = do_g2 = do_missing

    def send(self, status, headers=(), body=b""):
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
        self.write_head(lines, headers)
        self.request.sendall(b"" if self.method == "HEAD" else body)
        return True

    def write_head(self, lines, headers):
        lines = [*lines, *(f"{name}: {value}" for name, value in headers)]
        self.request.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def give(self, status, headers, body, claimed=-1):
        """`claimed`: another length than the body's; None: the connection's end is the end."""
        epoch = self.world.epoch
        lines = [f"HTTP/1.1 {status}"]
        if claimed is None:
            lines.append("Connection: close")
        else:
            lines.append(f"Content-Length: {len(body) if claimed < 0 else claimed}")
        self.write_head(lines, headers)
        if self.method == "HEAD":
            return claimed is not None
        limit = len(body)
        if self.number <= self.world.fault.cut_first and not self.world.healthy:
            limit = min(limit, SIZE // 3)
        for at in range(0, limit, PIECE):
            piece = body[at:min(at + PIECE, limit)]
            if epoch != self.world.epoch or not self.world.before(len(piece)):
                return False
            self.request.sendall(piece)
            self.world.after(len(piece))
        return claimed is not None and claimed <= len(body) and limit == len(body)


class Server(hostile_server.HostileServer):
    def __init__(self, fault, hold):
        super().__init__(handler=Exchange)
        self.world = World(fault, hold)

    def __exit__(self, *words):
        self.world.ended.set()
        super().__exit__(*words)
