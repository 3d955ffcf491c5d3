"""Runs contenders in turns and keeps what each run cost."""
import os
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Run:
    wall: float  # seconds
    cpu: float  # seconds, user and system, of the process and its children
    peak: float  # MiB


@dataclass
class Contender:
    name: str
    command: list  # its words; run in an empty folder
    runs: list = field(default_factory=list)
    failure: str = ""
    measured_once: bool = False

    def median(self, what):
        return statistics.median(getattr(run, what) for run in self.runs)


def run(command, folder, limit):
    """Runs it to its end. The peak memory is taken by time(1): a child of this interpreter would
    start with the interpreter's own peak."""
    peak = folder.parent / "peak"
    start = time.monotonic()
    process = subprocess.Popen(["/usr/bin/time", "-q", "-f", "%M", "-o", str(peak), *command],
                               cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, start_new_session=True)
    overdue = threading.Timer(limit, os.killpg, (process.pid, 9))
    overdue.start()
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    overdue.cancel()
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        words = error.decode(errors="replace").strip().splitlines()[-1:]
        return None, f"no end within {limit} s" if wall >= limit else f"exit {code} {words}"
    return Run(wall, usage.ru_utime + usage.ru_stime, int(peak.read_text()) / 1024), ""


def compete(contenders, rounds, prepare, check, limit=120, patience=60):
    """`rounds` rounds, and one before that warms up and does not count. Every second round goes
    backwards: what ran before leaves its mark on the machine. `prepare()` gives an empty folder,
    `check(folder)` says what is wrong with what arrived. Who takes longer than `patience` seconds
    runs once more and not each time. Who fails once is out, with its reason; if that is tidewire,
    the whole comparison ends."""
    for number in range(rounds + 1):
        for contender in contenders if number % 2 == 0 else contenders[::-1]:
            if contender.failure or (contender.measured_once and contender.runs):
                continue
            folder = prepare(contender)
            measured, contender.failure = run(contender.command, folder, limit)
            contender.failure = contender.failure or check(folder)
            if contender.failure and contender.name.startswith("tidewire"):
                sys.exit(f"{contender.name}: {contender.failure}")
            contender.measured_once |= measured is not None and measured.wall > patience
            if measured and number > 0:
                contender.runs.append(measured)


def ratios(of, to, what):
    """Run by run, so that a slow moment of the machine weighs on both."""
    pairs = [getattr(a, what) / getattr(b, what) for a, b in zip(of.runs, to.runs)]
    return statistics.median(pairs), min(pairs), max(pairs)
