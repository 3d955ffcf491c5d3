"""The rows of the comparison. Each says what is measured, who takes part, and what bounds it."""
import filecmp
import os
import subprocess
import sys
from dataclasses import dataclass, field

import peers
from measurement import Contender, compete
from nginx import Nginx

MIB = 1 << 20
RATE = 16 * MIB
OUT = "out.bin"


@dataclass
class Row:
    name: str
    title: str
    contenders: list
    rounds: int
    reference: str = ""  # the contender that the ratios go by
    bound: float = 0  # or the seconds that they go by
    notes: list = field(default_factory=list)


class Bench:
    """Where the rows run: a work folder on tmpfs, and the program under test."""

    def __init__(self, work, tidewire, quick):
        self.work, self.program, self.quick = work, tidewire, quick
        self.rounds = 5 if quick else 7

    def tidewire(self, url, *more, out=OUT):
        return peers.tidewire(self.program, url, out, *more)

    def contenders(self, offered, quick_too):
        """Those whose programs are here; in a quick run only the named ones."""
        chosen = [Contender(name, command) for name, command in offered.items()
                  if peers.installed(command[0]) and (not self.quick or name in quick_too)]
        absent = sorted({c[0] for c in offered.values() if not peers.installed(c[0])})
        return chosen, [f"not installed: {', '.join(absent)}"] if absent else []

    def prepare(self, _=None):
        folder = self.work / "run"
        subprocess.run(["rm", "-rf", str(folder)], check=True)
        folder.mkdir()
        return folder

    def make_file(self, size_mib):
        path = self.work / "files" / "data.bin"
        if not path.exists() or path.stat().st_size != size_mib * MIB:
            with open(path, "wb") as data:
                for _ in range(size_mib):
                    data.write(os.urandom(MIB))
        return path

    def check_file(self, folder):
        same = subprocess.run(["cmp", "-s", str(folder / OUT), str(self.work / "files" / "data.bin")])
        return "wrong bytes" if same.returncode else ""


def one_file(bench):
    """1 GiB as fast as it goes."""
    bench.make_file(1024)
    limit = bench.work / "limit"
    source = os.path.join(os.path.dirname(__file__), "limit.c")
    subprocess.run(["cc", "-O2", "-o", str(limit), source], check=True)
    with Nginx(bench.work, bench.work / "files") as server:
        url = server.url + "data.bin"
        offered = {
            "curl": peers.curl(url, OUT),
            "tidewire": bench.tidewire(url),
            "tidewire, process": bench.tidewire(url, "--durability", "process"),
            "recv + pwrite": [str(limit), str(server.port), "/data.bin", OUT],
            "aria2 -x1": peers.aria2(url, OUT, 1),
            "aria2 -x8": peers.aria2(url, OUT, 8),
            "axel -n8": peers.axel(url, OUT, 8),
            "wget2": peers.wget2(url, OUT),
            "rclone, 1 stream": peers.rclone(url, OUT, 0),
            "rclone, 8 streams": peers.rclone(url, OUT, 8),
        }
        chosen, notes = bench.contenders(offered, ("curl", "tidewire", "recv + pwrite"))
        row = Row("one-file", "1 GiB, nginx on loopback, tmpfs to tmpfs", chosen, bench.rounds,
                  reference="curl", notes=notes)
        compete(row.contenders, row.rounds, bench.prepare, bench.check_file)
    return row


class Throttled:
    """The throttling server, anew for each run: which connection is the odd one starts again."""

    def __init__(self, path, *options):
        program = os.path.join(os.path.dirname(__file__), "throttled_server.py")
        self.command = [sys.executable, program, str(path), "--rate", str(RATE), *options]
        self.port, self.process = 0, None

    def start(self):
        self.stop()
        self.process = subprocess.Popen([*self.command, "--port", str(self.port)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.communicate()


def throttled(bench, name, title, size_mib, n, offered, bound, *options):
    server = Throttled(bench.make_file(size_mib), *options)
    server.start()
    url = f"http://127.0.0.1:{server.port}/data.bin"
    chosen, notes = bench.contenders(offered(url, n), ("tidewire -x", "aria2"))
    row = Row(name, title, chosen, 5, bound=bound, notes=notes)

    def prepare(contender):
        server.start()
        return bench.prepare(contender)

    try:
        compete(row.contenders, row.rounds, prepare, bench.check_file, limit=20 * bound,
                patience=3 * bound)
    finally:
        server.stop()
    return row


def parallel(bench):
    def offered(url, n):
        return {
            "tidewire -x": bench.tidewire(url, "-x", str(n)),
            "aria2": peers.aria2(url, OUT, n),
            "axel": peers.axel(url, OUT, n),
            "wget2": peers.wget2(url, OUT, "--chunk-size=16M", f"--max-threads={n}"),
            "rclone": peers.rclone(url, OUT, n),
        }
    return offered


def with_patience(bench):
    """For the row with a stalled connection: who has a time-out gets one of 5 s."""
    def offered(url, n):
        return {
            "tidewire -x": bench.tidewire(url, "-x", str(n)),
            "aria2": peers.aria2(url, OUT, n, "--timeout=5", "--retry-wait=0", "--max-tries=0"),
            "axel": peers.axel(url, OUT, n, "-T", "5"),
            "wget2": peers.wget2(url, OUT, "--chunk-size=16M", f"--max-threads={n}", "--read-timeout=5"),
            "rclone": peers.rclone(url, OUT, n, "--timeout", "5s"),
        }
    return offered


def eight(bench):
    size = 256 if bench.quick else 1024
    return throttled(bench, "eight", f"{size} MiB over 8 connections of 16 MiB/s each", size, 8,
                     parallel(bench), size * MIB / (8 * RATE))


def sixteen(bench):
    size = 512 if bench.quick else 1024
    return throttled(bench, "sixteen", f"{size} MiB over 16 connections of 16 MiB/s each", size, 16,
                     parallel(bench), size * MIB / (16 * RATE))


def one_slow(bench):
    size = 256 if bench.quick else 512
    return throttled(bench, "one-slow", f"{size} MiB over 8 connections, the fifth at a tenth of 16 MiB/s",
                     size, 8, parallel(bench), size * MIB / (7.1 * RATE),
                     "--odd-one", "5", "--odd-rate", str(RATE / 10))


def one_stalled(bench):
    size = 256 if bench.quick else 512
    return throttled(bench, "one-stalled",
                     f"{size} MiB over 8 connections of 16 MiB/s, the fifth never sends a byte",
                     size, 8, with_patience(bench), size * MIB / (7 * RATE), "--odd-one", "5")


def many_files(bench):
    """1,000 files of 64 KiB."""
    names = [f"{i:04}.bin" for i in range(1000)]
    files = bench.work / "files" / "many"
    files.mkdir()
    for name in names:
        (files / name).write_bytes(os.urandom(64 * 1024))

    def check(folder):
        _, different, absent = filecmp.cmpfiles(folder, files, names, shallow=False)
        return f"{len(different)} wrong, {len(absent)} absent" if different or absent else ""

    with Nginx(bench.work, bench.work / "files") as server:
        url = server.url + "many/"
        (bench.work / "urls").write_text("".join(f"{url}{n}\n" for n in names))
        (bench.work / "curlrc").write_text("".join(f'url = "{url}{n}"\noutput = "{n}"\n' for n in names))
        urls, get = str(bench.work / "urls"), [bench.program, "get", "-q", "-i"]
        aria2 = ["aria2c", "--no-conf", "-q", "--file-allocation=none"]
        offered = {
            "curl -Z": ["curl", "-q", "-sS", "-f", "-Z", "-K", str(bench.work / "curlrc")],
            "tidewire": [*get, urls],
            "tidewire -j16": [*get, urls, "-j", "16"],
            "tidewire -j16, process": [*get, urls, "-j", "16", "--durability", "process"],
            "wget2": ["wget2", "-q", "--no-config", "--max-threads=16", "--input-file", urls],
            "aria2": [*aria2, "-j16", "-i", urls],
        }
        chosen, notes = bench.contenders(offered, ("curl -Z", "tidewire", "tidewire -j16"))
        row = Row("many-files", "1,000 files of 64 KiB, nginx on loopback, tmpfs", chosen,
                  2 * bench.rounds + 1, reference="curl -Z", notes=notes)
        compete(row.contenders, row.rounds, bench.prepare, check)
    return row


ROWS = {"one-file": one_file, "eight": eight, "sixteen": sixteen, "one-slow": one_slow,
        "one-stalled": one_stalled, "many-files": many_files}
