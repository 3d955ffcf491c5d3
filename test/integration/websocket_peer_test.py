#!/usr/bin/env python3
"""Our WebSockets against npm's ws, in both roles: websocket_peer_test.py PROGRAM PEERS WORK.
The package is installed from its lock file into a folder of the build."""
import pathlib
import subprocess
import sys

import npm_peers

program, peers, work = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
LIMIT = 120  # seconds, for each step


def against(server, client):
    """Runs `client` with the port that `server` prints; the client's last word must be "good"."""
    running = subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        port = running.stdout.readline().strip()
        done = subprocess.run(client(port), capture_output=True, text=True, timeout=LIMIT)
    finally:
        running.stdin.close()
        ended = running.wait(timeout=LIMIT)
    said = (done.stdout + done.stderr).strip()
    print(f"{client(port)[0]} {client(port)[1]}: {said}")
    return done.returncode == 0 and done.stdout.strip() == "good" and ended == 0


npm_peers.install(peers, work)
script = str(work / "websocket_peer.mjs")
passed = [
    against(["node", script, "server"], lambda port: [program, "client", f"http://127.0.0.1:{port}/"]),
    against([program, "server"], lambda port: ["node", script, "client", f"ws://127.0.0.1:{port}/echo"]),
]
sys.exit(0 if all(passed) else 1)
