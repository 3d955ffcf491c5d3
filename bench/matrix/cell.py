"""One cell: one program against one fault, perhaps killed mid-way and started again."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from faults import PAGE, SIZE, generation
from world import Server

OUT = "file.bin"
LIMIT = 30  # seconds for one run; a busy machine must not look like a hang
SETTLE = 0.3  # seconds that a client has to write what arrived, before it is killed
KILLS = {"none": None, "INT": signal.SIGINT, "KILL": signal.SIGKILL}
HANG = 1000


def commands(tidewire):
    """Each with the options that resume and retry, and 4 connections where it has several."""
    return {
        "tidewire": lambda url: [tidewire, "get", "-q", "-x4", "-k256K", "--retries", "3",
                                 "--timeout", "5s", url],
        "curl": lambda url: ["curl", "-q", "-sS", "-f", "-L", "-C", "-", "--retry", "4",
                             "--retry-all-errors", "--retry-delay", "1", "-m", "15", "-o", OUT, url],
        "aria2": lambda url: ["aria2c", "--no-conf", "-q", "-c", "-x4", "-s4", "-k1M",
                              "--file-allocation=none", "--auto-file-renaming=false", "--timeout=5",
                              "--max-tries=5", "--retry-wait=1", "-o", OUT, url],
        "axel": lambda url: ["axel", "-q", "-n4", "-T5", "-o", OUT, url],
        "wget2": lambda url: ["wget2", "-q", "--no-config", "-c", "--tries=5", "--waitretry=1",
                              "--timeout=5", url],
        "rclone": lambda url: ["rclone", "--config=", "copyto", "--http-url",
                               url.removesuffix(OUT), f":http:{OUT}", OUT,
                               "--multi-thread-cutoff", "1M", "--multi-thread-streams", "4",
                               "--timeout", "5s"],
    }


def start(command, folder):
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def end_of(process):
    try:
        return process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return HANG


def killed_midway(process, world, number):
    """Sends the signal when a third of the file has left the server. None: killed; else how the
    program ended before that."""
    deadline = time.monotonic() + LIMIT
    while not world.held.wait(0.02):
        if process.poll() is not None or time.monotonic() > deadline:
            return end_of(process)
    time.sleep(SETTLE)
    if process.poll() is not None:
        return process.returncode
    process.send_signal(number)
    end_of(process)
    return None


def judge(code, folder, fault, tidy):
    """The oracle. `tidy`: a program that promises that the final name is never an unproved file."""
    out = folder / OUT
    data = out.read_bytes() if out.exists() else None
    whole = data in (generation(1, fault), generation(2, fault))
    if code == 0:
        return "right" if whole else "page" if data == PAGE else "WRONG"
    if tidy and data is not None and not whole:
        return "WRONG"
    return "hang" if code == HANG else "error"


def run_cell(fault, kill, command, tidy):
    """Its outcome, and for a tidy program whether a healthy run afterwards ends right."""
    with tempfile.TemporaryDirectory(prefix="tidewire-matrix-") as name, \
            Server(fault, hold=KILLS[kill] is not None) as server:
        folder = pathlib.Path(name)
        words = command(f"{server.url}/{OUT}")
        process = start(words, folder)
        if KILLS[kill] is not None:
            code = killed_midway(process, server.world, KILLS[kill])
            server.world.end_first_run()
            if code is None:
                code = end_of(start(words, folder))
        else:
            code = end_of(process)
        outcome = judge(code, folder, fault, tidy)
        if tidy and outcome in ("error", "hang"):
            server.world.heal()
            if judge(end_of(start(words, folder)), folder, fault, tidy) != "right":
                return f"{outcome}, STUCK"
        return outcome


if __name__ == "__main__":
    sys.exit("this is a part of matrix.py")
