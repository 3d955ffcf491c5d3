"""The fault run: one schedule of faults for everybody, drawn from a seed; and what it did to each."""
import math
import random
import statistics
import time
from dataclasses import dataclass, field

from processes import Failed, Process

RATE = 1000
KILL_EVERY = 3.0  # seconds
HALF_OPEN = 5.0
DOWN = 0.5  # between a SIGKILL of the server and its restart
PATIENCE = 45.0  # without a further message, once all is well: longer than our longest probe


@dataclass
class Schedule:
    seconds: float
    half_opens: list  # begins
    crashes: list
    refused: tuple  # begin, end
    steps: list = field(default_factory=list)  # (time, what, value)

    def with_steps(self):
        dead = [(b, b + HALF_OPEN) for b in self.half_opens]
        steps = [(b, "half_open", on) for begin, end in dead for b, on in ((begin, 1), (end, 0))]
        steps += [(self.refused[0], "refuse", 1), (self.refused[1], "refuse", 0)]
        for at in self.crashes:
            steps += [(at, "crash", 1), (at + DOWN, "crash", 0)]
        for number in range(1, math.ceil(self.seconds / KILL_EVERY)):
            at = number * KILL_EVERY
            # A dead link carries no reset.
            if not any(b <= at < e for b, e in dead):
                steps.append((at, "kill", 1))
        self.steps = sorted(steps)
        return self


def draw(seed, quick):
    dice = random.Random(seed)
    seconds, count, crashes, refused = (15.0, 1, 1, 4.0) if quick else (60.0, 5, 2, 20.0)
    while True:
        slot = seconds / count
        half_opens = [i * slot + dice.uniform(0.5, slot - HALF_OPEN - 0.5) for i in range(count)]
        begin = dice.uniform(1.0, seconds - refused)
        killed = sorted(dice.uniform(1.0, seconds - 2.0) for _ in range(crashes))
        # A server that dies while nobody can reach it is no fault of its own.
        clear = all(not b - 1.5 < at < b + HALF_OPEN + 1.0 for at in killed for b in half_opens)
        if quick:
            clear = clear and all(b + HALF_OPEN < begin or begin + refused < b for b in half_opens)
        if clear and all(b - a > 5 for a, b in zip(killed, killed[1:])):
            return Schedule(seconds, half_opens, killed, (begin, begin + refused)).with_steps()


class OurServer:
    """`tidewire serve` as it is, on SQLite with synchronous=FULL; its publisher resends."""

    def __init__(self, cast, name):
        self.cast, self.port, self.process = cast, 0, None
        self.data, self.files = cast.folders(name)

    def start(self):
        self.process = Process([self.cast.tidewire, "serve", "-q", "--listen", f"127.0.0.1:{self.port}",
                                "--data", self.data, "--files", self.files], self.cast.log)
        self.port = int(self.process.wait_for("text")["text"].rsplit(":", 1)[1])

    def publisher(self, out, seconds):
        return self.cast.ours("publisher", websocket=self.port, rate=RATE, seconds=int(seconds), out=out)

    def refuse(self, link, on):
        link.tell("refuse", on)


class PeerServer:
    """A peer's own server, in memory; an acknowledgement says that it was given to all connected."""

    def __init__(self, cast, kind):
        self.cast, self.kind, self.port, self.publish, self.process = cast, kind, 0, 0, None

    def start(self):
        self.process = self.cast.peer_server(self.kind, port=self.port, publish=self.publish,
                                             settings="best")
        self.port, self.publish = self.process.port, self.process.publish

    def publisher(self, out, seconds):
        return self.cast.node("publisher", "-", port=self.publish, rate=RATE, seconds=int(seconds), out=out)

    def refuse(self, link, on):
        """At Socket.IO's the server refuses WebSockets: its polling uses the same port."""
        if self.kind != "socketio":
            link.tell("refuse", on)
        elif self.process.process.poll() is None:
            self.process.tell("refuse", on)


CONTENDERS = {
    "tidewire": lambda cast: (OurServer(cast, "fault"),
                              lambda link: cast.ours("listener", websocket=link["websocket"],
                                                     http=link["http"])),
    "partysocket, our server": lambda cast: (OurServer(cast, "fault"), node_client(cast, "partysocket")),
    "partysocket, ws server": lambda cast: (PeerServer(cast, "ws"), node_client(cast, "partysocket")),
    "Socket.IO, recovery": lambda cast: (PeerServer(cast, "socketio"), node_client(cast, "socketio-best")),
    "ws, usual reconnect": lambda cast: (PeerServer(cast, "ws"), node_client(cast, "ws")),
}


def node_client(cast, kind):
    return lambda link: cast.node("client", "listener", kind=kind, port=link["websocket"])


@dataclass
class Outcome:
    acked: int
    lost: int
    duplicated: int
    out_of_order: int
    resets: int
    answered_again: int
    back: dict  # kind of fault -> seconds until the client was on a WebSocket again


def judge(acked, delivered):
    """`acked`: number -> place in the server's order. Lost: acknowledged and never delivered."""
    seen, duplicated, disordered, last = set(), 0, 0, 0
    for number in delivered:
        if number in seen:
            duplicated += 1
            continue
        seen.add(number)
        place = acked.get(number)
        if place is None:
            continue
        if place < last:
            disordered += 1
        last = max(last, place)
    return len(acked.keys() - seen), duplicated, disordered


def times_back(schedule, begun, modes):
    """From the end of each fault to the next WebSocket that was opened since the fault began: no
    socket lives through one, also when its client does not know. Left out where another fault keeps
    WebSockets away meanwhile."""
    away = [(b, b + HALF_OPEN, "half-open") for b in schedule.half_opens]
    away += [(*schedule.refused, "refused")]
    away += [(at, at + DOWN, "server killed") for at in schedule.crashes]
    kills = [(at, at, "socket killed") for at, what, _ in schedule.steps if what == "kill"]
    opened = [at - begun for at, mode in modes if mode == "websocket"]
    back = {}
    for begin, end, kind in away + kills:
        later = [at for at in opened if at > max(begin, end - DOWN)]
        back_at = later[0] if later else float("inf")
        if any(b < back_at and e > end for b, e, _ in away):
            continue
        back.setdefault(kind, []).append(max(0.0, back_at - end))
    return back


def until_delivered(client, wanted):
    """All is well from now on: waits until the client has what it should, or gets nothing more."""
    count, moved = -1, time.monotonic()
    while time.monotonic() - moved < PATIENCE:
        now = client.ask("count", "count")
        if now != count:
            count, moved = now, time.monotonic()
        if count >= wanted and time.monotonic() - moved > 1.0:
            return
        time.sleep(0.25)


def play(cast, name, schedule):
    server, make_client = CONTENDERS[name](cast)
    acked_file, got_file = cast.work / "acked", cast.work / "delivered"
    server.start()
    running = []
    try:
        link = cast.ours("link", upstream=server.port)
        running.append(link)
        client = make_client(link.wait_for("websocket"))
        running.append(client)
        while client.wait_for("mode")["mode"] != "websocket":
            pass
        publisher = server.publisher(acked_file, schedule.seconds)
        running.append(publisher)
        publisher.wait_for("connected")
        publisher.tell("go")
        begun = time.monotonic()
        for at, what, on in schedule.steps:
            time.sleep(max(0.0, begun + at - time.monotonic()))
            if what == "crash" and on:
                server.process.end()
            elif what == "crash":
                server.start()
                server.refuse(link, int(schedule.refused[0] <= at < schedule.refused[1]))
            elif what == "refuse":
                server.refuse(link, on)
            else:
                link.tell(what, on)
        done = publisher.wait_for("acked", schedule.seconds + 120)
        until_delivered(client, done["acked"])
        client.tell("dump", got_file)
        client.wait_for("dumped")
        acked = dict(map(int, line.split()) for line in acked_file.read_text().splitlines())
        delivered = [int(line) for line in got_file.read_text().split()]
        resets = sum(told.get("event") == "reset" for told in client.said)
        return Outcome(len(acked), *judge(acked, delivered), resets, done["answered_again"],
                       times_back(schedule, begun, client.modes()))
    finally:
        for process in (*running, server.process):
            process.end()


def figures(values):
    if not values:
        return ""
    return f"{statistics.median(values):.2f} / {max(values):.2f}"


KINDS = ("socket killed", "half-open", "server killed", "refused")


def fault_row(bench):
    seeds = bench.seeds
    lines = [f"### faults: {RATE} messages a second under faults", "",
             f"Seeds {', '.join(map(str, seeds))}; counts are sums, times are median / most in seconds.", "",
             "| | acknowledged | lost | duplicated | out of order | back after: "
             + " | ".join(KINDS) + " |", "|---|" + "--:|" * (4 + len(KINDS))]
    failures = []
    for name in bench.chosen(CONTENDERS):
        outcomes = []
        for seed in seeds:
            try:
                outcome = play(bench.cast, name, draw(seed, bench.quick))
            except Failed as failure:
                bench.remark(f"{name}, seed {seed}: {failure}")
                failures.append(name)
                continue
            bench.remark(f"{name}, seed {seed}: {outcome}")
            outcomes.append(outcome)
            if name == "tidewire" and (outcome.lost or outcome.duplicated or outcome.out_of_order):
                failures.append(f"{name}, seed {seed}")
        def total(what):
            return sum(getattr(o, what) for o in outcomes)
        back = [figures([t for o in outcomes for t in o.back.get(kind, [])]) for kind in KINDS]
        lines.append(f"| {name} | {total('acked')} | {total('lost')} | {total('duplicated')} | "
                     f"{total('out_of_order')} | {' | '.join(back)} |")
    if failures:
        lines += ["", f"Not as it must be: {', '.join(failures)}."]
    return [*lines, ""]
