#!/usr/bin/env python3
"""Kills `tidewire get` with SIGKILL at random moments, through a proxy that resets connections, and
checks what systems promise: the result is byte-identical (D2), what was claimed is not fetched again
(D3), the final name never names less than everything (D5), and memory stays small (D7)."""
import argparse
import hashlib
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time


def start_server(arguments, pattern):
    """Starts a command and waits for the line that names its address."""
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    seen = []
    for line in process.stdout:
        seen.append(line)
        if match := re.search(pattern, line):
            # Nobody reads on: a pipe that fills up must not stop the server.
            subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
            return process, match.group(1)
    sys.exit(f"{arguments} ended: {''.join(seen)}")


def make_file(path, size, seed):
    """Pseudo-random bytes, so that no two places of the file look alike."""
    source = random.Random(seed)
    digest = hashlib.sha256()
    block = 1 << 20
    with open(path, "wb") as out:
        for _ in range(size // block):
            data = source.randbytes(block)
            digest.update(data)
            out.write(data)
        rest = source.randbytes(size % block)
        digest.update(rest)
        out.write(rest)
    return digest.hexdigest()


def file_digest(path):
    digest = hashlib.sha256()
    with open(path, "rb") as data:
        while block := data.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def wait_with_peak(process, deadline):
    """The exit status (None: still running at the deadline) and the peak of resident memory in MiB."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage.ru_maxrss / 1024
        if time.monotonic() > deadline:
            return None, 0
        time.sleep(0.005)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tidewire", required=True)
    parser.add_argument("--size-mib", type=int, default=64)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--reset-per-mib", default="0.02", help="chance, for each MiB of a connection")
    parser.add_argument("--bandwidth", default="", help="of the proxy, for a longer run")
    parser.add_argument("--max-rss-mib", type=float, default=64)
    parser.add_argument("--folder", help="where to work; default: a new temporary folder")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory(dir=options.folder) as work:
        work = pathlib.Path(work)
        (work / "files").mkdir()
        (work / "data").mkdir()
        size = options.size_mib << 20
        expected = make_file(work / "files" / "data.bin", size, options.seed)
        server, address = start_server(
            [options.tidewire, "serve", "--listen", "127.0.0.1:0", "--data", str(work / "data"),
             "--files", str(work / "files")], r"(\d+\.\d+\.\d+\.\d+:\d+)")
        proxy_command = [options.tidewire, "proxy", "--listen", "127.0.0.1:0", "--upstream", address,
                         "--reset-per-mib", options.reset_per_mib,
                         "--seed", str(options.seed)]
        if options.bandwidth:
            proxy_command += ["--bandwidth", options.bandwidth]
        proxy, entry = start_server(proxy_command, r"(\d+\.\d+\.\d+\.\d+:\d+)")
        try:
            for round_number in range(options.rounds):
                one_round(options, draw, work, entry, expected, size, round_number)
        finally:
            for process in (proxy, server):
                process.send_signal(signal.SIGTERM)
                process.wait(20)
    print("1 passed, 0 failed")


def one_round(options, draw, work, entry, expected, size, number):
    target = work / f"result-{number}.bin"
    command = [options.tidewire, "get", f"http://{entry}/files/data.bin", "-o", str(target),
               "--progress", "none"]
    peak, kills, started = 0.0, 0, time.monotonic()
    while True:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL)
        limit = draw.uniform(0.02, 0.6) if kills < options.kills else 600
        code, rss = wait_with_peak(process, time.monotonic() + limit)
        if code is None:
            process.kill()
            _, rss = wait_with_peak(process, time.monotonic() + 60)
            kills += 1
            if target.exists():
                sys.exit("FAIL: the final name exists although the process was killed before the end")
        peak = max(peak, rss)
        if code is not None:
            break
    error = process.stderr.read().decode()
    if code != 0:
        sys.exit(f"FAIL: exit code {code} after {kills} kills: {error}")
    if file_digest(target) != expected:
        sys.exit(f"FAIL: exit code 0 and wrong bytes after {kills} kills")
    left = [p.name for p in work.iterdir() if ".part" in p.name]
    if left:
        sys.exit(f"FAIL: left behind: {left}")
    if kills < options.kills:
        sys.exit(f"FAIL: only {kills} kills met the process; give a larger --size-mib or a --bandwidth")
    if peak > options.max_rss_mib:
        sys.exit(f"FAIL: {peak:.0f} MiB resident")
    print(f"round {number}: {size >> 20} MiB, {kills} kills, {time.monotonic() - started:.1f} s, "
          f"peak memory {peak:.0f} MiB, byte-identical")
    target.unlink()


if __name__ == "__main__":
    main()
