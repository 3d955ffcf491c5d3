#!/usr/bin/env python3
"""Whole-process comparison of `tidewire get` with the curl tool: 1 GiB from nginx on loopback, tmpfs to
tmpfs. Interleaved pairs; medians of wall time and CPU seconds (user + system of the client process).

Equal work: no peer syncs here (tmpfs makes a sync free), no digest is computed, one file each."""
import argparse
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

NGINX = """
daemon off; worker_processes 1; pid {work}/nginx.pid; error_log {work}/error.log;
events {{ worker_connections 256; }}
http {{ access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path {work}/b; proxy_temp_path {work}/p; fastcgi_temp_path {work}/f;
  uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;
  server {{ listen 127.0.0.1:{port}; root {work}/files; }} }}
"""


def run(command):
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{command[0]} failed: {error.decode()}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url):
    for _ in range(200):
        if subprocess.run(["curl", "-sfI", "-o", "/dev/null", url]).returncode == 0:
            return
        time.sleep(0.05)
    sys.exit("nginx does not answer")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tidewire", required=True)
    parser.add_argument("--quick", action="store_true", help="5 pairs of 1 GiB; otherwise 11")
    parser.add_argument("--size-mib", type=int, default=1024)
    options = parser.parse_args()
    pairs = 5 if options.quick else 11
    with tempfile.TemporaryDirectory(dir="/dev/shm") as work:
        work = pathlib.Path(work)
        os.chmod(work, 0o755)
        (work / "files").mkdir()
        needed = (2 * options.size_mib + 64) << 20
        if shutil.disk_usage(work).free < needed:
            sys.exit(f"/dev/shm has too little room: {needed >> 20} MiB are needed; see --size-mib")
        with open(work / "files" / "data.bin", "wb") as data:
            for _ in range(options.size_mib):
                data.write(os.urandom(1 << 20))
        port = free_port()
        (work / "nginx.conf").write_text(NGINX.format(work=work, port=port))
        nginx = subprocess.Popen(["nginx", "-p", str(work), "-c", str(work / "nginx.conf")],
                                 stdin=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}/data.bin"
            wait_for(url)
            compare(options, pairs, url, work)
        finally:
            nginx.send_signal(signal.SIGTERM)
            nginx.wait(10)


def compare(options, pairs, url, work):
    target = work / "out.bin"
    commands = {
        "curl": ["curl", "-s", "-o", str(target), url],
        "tidewire": [options.tidewire, "get", url, "-o", str(target), "--progress", "none"],
    }
    rows = {name: [] for name in commands}
    for number in range(pairs + 1):  # the first pair warms up and does not count
        # Alternate who goes first: what ran before leaves its mark on the caches.
        order = list(commands) if number % 2 == 0 else list(commands)[::-1]
        for name in order:
            row = run(commands[name])
            if subprocess.run(["cmp", "-s", str(target), str(work / "files" / "data.bin")]).returncode:
                sys.exit(f"{name}: wrong bytes")
            target.unlink()
            if number > 0:
                rows[name].append(row)
    print(f"1 x {options.size_mib} MiB, nginx on loopback, tmpfs, {pairs} interleaved pairs")
    print(f"{'':10} {'wall s':>8} {'CPU s':>8} {'peak MiB':>9}")
    for name, all_rows in rows.items():
        wall, cpu, peak = (statistics.median(r[i] for r in all_rows) for i in range(3))
        print(f"{name:10} {wall:8.3f} {cpu:8.3f} {peak:9.1f}")
    # Pairwise, so that a slow moment of the machine weighs on both.
    for index, what in ((0, "wall"), (1, "CPU")):
        ratios = [t[index] / c[index] for t, c in zip(rows["tidewire"], rows["curl"])]
        print(f"tidewire / curl, {what}: {statistics.median(ratios):.3f} "
              f"(from {min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
