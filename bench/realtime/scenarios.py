"""The rows but for the fault run. Each gives the lines of its section."""
import statistics
import time

from faults import fault_row
from processes import Failed

SIZES = (64, 1024)


def interleaved(bench, names, measure):
    """Every round runs all, every second round backwards; the first round is not counted. Who fails
    is told of and left out."""
    results, failed = {name: [] for name in names}, {}
    for number in range(bench.rounds + 1):
        for name in names if number % 2 == 0 else names[::-1]:
            if name in failed:
                continue
            try:
                result = measure(name)
            except Failed as failure:
                failed[name] = str(failure)
                bench.remark(f"{name}: {failure}")
                continue
            bench.remark(f"{name}, round {number}: {result}")
            if number > 0:
                results[name].append(result)
    return results, failed


def median(runs, member):
    return statistics.median(run[member] for run in runs)


def ratio(runs, reference, member):
    """Round by round, so that a slow moment of the machine weighs on both."""
    pairs = [a[member] / b[member] for a, b in zip(runs, reference)]
    return f"{statistics.median(pairs):.2f} ({min(pairs):.2f} to {max(pairs):.2f})"


def wait_for_websocket(client):
    while client.wait_for("mode")["mode"] != "websocket":
        pass


# ---- push

def our_listener(role):
    return lambda cast, port, n: cast.ours(role, websocket=port, expect=n)


def node_listener(kind):
    return lambda cast, port, n: cast.node("client", "listener", kind=kind, port=port, expect=n)


PUSHED = {
    "tidewire, connection": our_listener("listener"),
    "ws": node_listener("ws"),
    "partysocket": node_listener("partysocket"),
    "Socket.IO, own server": node_listener("socketio"),
    "tidewire, frames only": our_listener("raw"),
    "ws, frames only": node_listener("frames"),
}


def push(bench, name, size, count):
    own = "own server" in name
    with bench.cast.peer_server("socketio") if own else bench.cast.our_server() as server:
        with PUSHED[name](bench.cast, server.port, count) as client:
            wait_for_websocket(client)
            server.tell("burst", count, size)
            told = client.wait_for("wall", 120)
            return {"wall": told["wall"], "cpu": told["cpu"] / count * 1e6}


def push_row(bench):
    count = 50_000 if bench.quick else 300_000
    names, lines = bench.chosen(PUSHED), []
    for size in SIZES:
        results, _ = interleaved(bench, names, lambda name: push(bench, name, size, count))
        lines += [f"### push-{size}: {count:,} messages of {size} bytes, one subscriber", "",
                  f"Medians of {bench.rounds} interleaved rounds; ratios to ws, median of the rounds "
                  "(least to most).", "", "| client | CPU µs a message | CPU ratio | wall s |", "|---|--:|--:|--:|"]
        for name in names:
            runs = results[name]
            if not runs:
                continue
            against = results.get("ws, frames only" if "frames" in name else "ws") or runs
            lines.append(f"| {name} | {median(runs, 'cpu'):.2f} | {ratio(runs, against, 'cpu')} | "
                         f"{median(runs, 'wall'):.2f} |")
        lines.append("")
    return lines


# ---- ping-pong

def ping(cast, name, rounds):
    if name.startswith("tidewire, SQLite") or name.startswith("tidewire, memory"):
        server = cast.our_server(messages="sqlite" if "SQLite" in name else "memory")
        client = cast.ours("pinger", websocket=server.port, rounds=rounds)
    else:
        kind = name.split(",")[0].lower().replace(".", "")
        own = None if "our server" in name else "socketio" if kind == "socketio" else "ws"
        server = cast.peer_server(own) if own else cast.our_server(messages="memory")
        client = cast.node("client", "pinger", kind=kind, port=server.port, rounds=rounds)
    with server, client:
        return client.wait_for("p50", 120)


PINGED = ("ws, own server", "tidewire, memory", "tidewire, SQLite, synchronous=FULL",
          "ws, our server in memory", "partysocket, our server in memory", "Socket.IO, own server")


def ping_row(bench):
    rounds = 500 if bench.quick else 3000
    names = bench.chosen(PINGED)
    results, _ = interleaved(bench, names, lambda name: ping(bench.cast, name, rounds))
    lines = [f"### ping-pong: {rounds:,} messages, one at a time, until the own message is back", "",
             f"Medians of {bench.rounds} interleaved rounds; ratios to ws with its own server.", "",
             "| client and server | p50 µs | p99 µs | p50 ratio |", "|---|--:|--:|--:|"]
    for name in names:
        runs = results[name]
        if runs:
            against = results.get(PINGED[0]) or runs
            lines.append(f"| {name} | {median(runs, 'p50'):.0f} | {median(runs, 'p99'):.0f} | "
                         f"{ratio(runs, against, 'p50')} |")
    return [*lines, ""]


# ---- crowds behind a link

def crowd_of(cast, name, link, count):
    if name == "tidewire":
        return cast.ours("crowd", websocket=link["websocket"], http=link["http"], count=count)
    kind = {"Socket.IO": "socketio"}.get(name, name)
    return cast.node("client", "crowd", kind=kind, port=link["websocket"], count=count)


class Scene:
    """A server, a link to it and a crowd behind the link, all on a WebSocket."""

    def __init__(self, cast, name, count, hz):
        self.server = cast.peer_server("socketio") if name == "Socket.IO" else cast.our_server()
        self.all = [self.server]
        self.link = cast.ours("link", upstream=self.server.port)
        self.all.append(self.link)
        self.crowd = crowd_of(cast, name, self.link.wait_for("websocket"), count)
        self.all.append(self.crowd)
        self.until_open(count, 60)
        self.server.tell("rate", hz)
        time.sleep(1.5)

    def until_open(self, count, limit):
        deadline, open_now = time.monotonic() + limit, 0
        while open_now < count:
            if time.monotonic() > deadline:
                raise Failed(f"{open_now} of {count} open after {limit} s")
            time.sleep(0.2)
            open_now = self.crowd.ask("open", "open")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.all:
            process.end()


CROWDS = ("tidewire", "Socket.IO", "partysocket")
CROWD = 20
LIMIT = 60.0


def reopen(cast, name, outage):
    with Scene(cast, name, CROWD, 50) as scene:
        scene.link.tell("outage", 1)
        time.sleep(outage)
        scene.link.tell("outage", 0)
        scene.crowd.tell("mark")
        marked = time.monotonic()
        while time.monotonic() - marked < LIMIT:
            time.sleep(0.25)
            report = scene.crowd.ask("report", "report")
            if all(opened >= 0 and heard >= 0 for opened, heard in report):
                break
        return [tuple(LIMIT if at < 0 else at for at in pair) for pair in report]


def reopen_row(bench):
    outages = (0.1, 1, 5) if bench.quick else (0.1, 1, 5, 30)
    repeats = 1 if bench.quick else min(bench.rounds, 3)
    lines = [f"### reopen: how long after an outage {CROWD} clients are back, defaults of each", "",
             f"{repeats} x {CROWD} clients; median / most, in seconds from the end of the outage.", "",
             "| | " + " | ".join(f"messages, {o} s down | WebSocket, {o} s" for o in outages) + " |",
             "|---|" + "--:|" * (2 * len(outages))]
    names = bench.chosen(CROWDS)
    found = {name: {o: [] for o in outages} for name in names}
    for _ in range(repeats):
        for outage in outages:
            for name in names:
                found[name][outage] += reopen(bench.cast, name, outage)
                bench.remark(f"{name}, {outage} s: {statistics.median(o for o, _ in found[name][outage]):.2f}")
    for name in names:
        cells = []
        for outage in outages:
            for which in (1, 0):
                values = [pair[which] for pair in found[name][outage]]
                cells.append(f"{statistics.median(values):.2f} / {max(values):.2f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, ""]


OUTAGE = 5.0


def peak(bench, name, count):
    """The bins of the link: connections begun in each tenth of a second, refused ones included."""
    with Scene(bench.cast, name, count, 0) as scene:
        scene.link.tell("count", 1)
        scene.link.tell("outage", 1)
        time.sleep(OUTAGE)
        down = scene.link.ask("count 0", "counts")
        scene.link.tell("outage", 0)
        scene.link.tell("count", 1)
        healed = time.monotonic()
        try:
            scene.until_open(count, 90)
            back = time.monotonic() - healed
        except Failed:
            back = float("inf")
        after = scene.link.ask("count 0", "counts")
        return {"down": max(down), "after": max(after), "attempts": sum(down) + sum(after), "back": back}


def peak_row(bench):
    count = 500 if bench.quick else 2000
    names, rounds = bench.chosen(CROWDS), 1 if bench.quick else min(bench.rounds, 3)
    results = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            results[name].append(peak(bench, name, count))
            bench.remark(f"{name}: {results[name][-1]}")
    lines = [f"### peak: {count:,} clients that lose the server together, for {OUTAGE:.0f} s", "",
             f"Medians of {rounds}; connections begun in one tenth of a second, polls included.", "",
             "| | most, while down | most, after it | attempts in all | all on a WebSocket after s |",
             "|---|--:|--:|--:|--:|"]
    for name in names:
        runs = results[name]
        lines.append(f"| {name} | {median(runs, 'down'):.0f} | {median(runs, 'after'):.0f} | "
                     f"{median(runs, 'attempts'):.0f} | {median(runs, 'back'):.1f} |")
    return [*lines, ""]


# ---- idle connections

def idle(bench, name, count):
    server = bench.cast.peer_server("ws") if name == "ws" else bench.cast.our_server()
    with server:
        # One first, so that what is made once is not counted.
        with bench.cast.ours("idle", websocket=server.port, count=1) as first:
            first.wait_for("open")
            before = server.rss_kib()
            with bench.cast.ours("idle", websocket=server.port, count=count) as crowd:
                told = crowd.wait_for("open", 300)
                if told["failed"]:
                    raise Failed(f"{told['failed']} of {count} could not be opened")
                time.sleep(3)
                return {"kib": (server.rss_kib() - before) / count}


def idle_row(bench):
    counts = (500, 2000) if bench.quick else (2000, 10_000)
    names = bench.chosen(("tidewire", "ws"))
    columns = {}
    for count in counts:
        results, _ = interleaved(bench, names, lambda name: idle(bench, name, count))
        columns[count] = {name: median(runs, "kib") for name, runs in results.items() if runs}
    lines = ["### idle: memory of the server for each idle connection", "",
             f"Growth of the resident set / connections, KiB; medians of {bench.rounds}.", "",
             "| server | " + " | ".join(f"{count:,} connections" for count in counts) + " |",
             "|---|" + "--:|" * len(counts)]
    for name in names:
        cells = [f"{columns[count][name]:.1f}" if name in columns[count] else "" for count in counts]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, ""]


# ---- pollers

def poll(bench, name, count, seconds):
    with bench.cast.our_server() as server:
        state = server.files / "state.json"
        state.write_text('{"state":0}')
        pollers = (bench.cast.ours("pollers", http=server.port, count=count, seconds=seconds)
                   if name == "tidewire" else
                   bench.cast.node("pollers", "-", port=server.port, count=count, seconds=seconds))
        with pollers:
            time.sleep(4 + seconds / 2)
            new = state.with_suffix(".new")
            new.write_text('{"state":1}')
            new.rename(state)
            return pollers.wait_for("polls", seconds + 60)


def pollers_row(bench):
    counts, seconds = ((1000, 2500) if bench.quick else (2500, 10_000)), (6 if bench.quick else 15)
    names, lines = bench.chosen(("tidewire", "query-core")), []
    for count in counts:
        results, _ = interleaved(bench, names, lambda name: poll(bench, name, count, seconds))
        lines += [f"### pollers-{count}: {count:,} pollers, each second, one change in {seconds} s", "",
                  f"Medians of {bench.rounds} interleaved rounds; CPU of the pollers' process.", "",
                  "| | polls a second | late p50 ms | late p99 ms | CPU s a second | CPU µs a poll |",
                  "|---|--:|--:|--:|--:|--:|"]
        for name in names:
            runs = results[name]
            if not runs:
                continue
            each = statistics.median(run["cpu"] * seconds / run["polls"] * 1e6 for run in runs)
            lines.append(f"| {name} | {median(runs, 'polls') / seconds:.0f} | {median(runs, 'p50'):.1f} | "
                         f"{median(runs, 'p99'):.1f} | {median(runs, 'cpu'):.2f} | {each:.1f} |")
        lines.append("")
    return lines


ROWS = {"push": push_row, "ping": ping_row, "faults": fault_row, "reopen": reopen_row, "peak": peak_row,
        "idle": idle_row, "pollers": pollers_row}
