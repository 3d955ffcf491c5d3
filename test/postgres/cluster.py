#!/usr/bin/env python3
"""A PostgreSQL server of a test's own: in a temporary folder, from Debian's binaries, on a free port of
the loopback. Also as root, which PostgreSQL refuses: it then runs as the user `postgres`.

    with Cluster() as server:
        run("tidewire", "serve", "--store", server.url(server.make_database()), ...)

    python3 test/postgres/cluster.py [--fsync] [--set NAME=VALUE]... -- COMMAND...
                                     # with its address in TIDEWIRE_POSTGRES_URL
"""
import argparse
import ctypes
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE = 120  # seconds, for a server on a busy machine


def binaries():
    found = [p for p in pathlib.Path("/usr/lib/postgresql").glob("*/bin") if (p / "initdb").exists()]
    if not found:
        raise RuntimeError("no PostgreSQL server in /usr/lib/postgresql: script/bootstrap")
    return max(found, key=lambda p: int(p.parent.name))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def status_of(process):
    """State and parent, as proc(5) has them; ("", 0) when there is no such process."""
    try:
        rest = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return rest[0], int(rest[1])
    except (OSError, IndexError, ValueError):
        return "", 0


class Cluster:
    PASSWORD = "tide-and-time"  # of the user "guarded", who needs one

    def __init__(self, fsync=False, settings=None):
        self.bin = binaries()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidewire-postgres-"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.process = None
        self.databases = 0
        # libc is looked up before the fork, in which little is safe.
        self._prctl = ctypes.CDLL(None).prctl
        self._who = None
        if os.geteuid() == 0:
            self._who = pwd.getpwnam("postgres")
            os.chown(self.folder, self._who.pw_uid, self._who.pw_gid)
        settings = {"fsync": "on" if fsync else "off", "listen_addresses": "127.0.0.1",
                    "unix_socket_directories": str(self.folder), "shared_buffers": "32MB",
                    "log_min_messages": "fatal", **(settings or {})}
        try:
            self._tool("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C",
                       "--no-sync", "--no-instructions")
            (self.data / "pg_hba.conf").write_text(
                "local all all trust\nhost all guarded 127.0.0.1/32 scram-sha-256\n"
                "host all all 127.0.0.1/32 trust\n")
            with open(self.data / "postgresql.conf", "a") as conf:
                conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
            self.start()
            self.psql(f"CREATE ROLE guarded LOGIN PASSWORD '{self.PASSWORD}'")
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database="postgres", user="postgres", password=None):
        word = f":{password}" if password else ""
        return f"postgres://{user}{word}@127.0.0.1:{self.port}/{database}"

    def make_database(self):
        """A new, empty database."""
        self.databases += 1
        name = f"test{self.databases}"
        self.psql(f"CREATE DATABASE {name}")
        return name

    def psql(self, sql, database="postgres"):
        """What the statement answers, unaligned and without heads."""
        return self._tool("psql", "-XqAt", "-h", self.folder, "-p", self.port, "-U", "postgres", "-c", sql,
                          database).strip()

    def start(self):
        """Returns when it takes connections."""
        command = [self.bin / "postgres", "-D", self.data, "-p", str(self.port)]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, preexec_fn=self._become, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT)
        until = time.monotonic() + PATIENCE
        pid_file = self.data / "postmaster.pid"
        while True:
            # One that was killed left its file behind.
            text = pid_file.read_text() if pid_file.exists() else ""
            if text.startswith(f"{self.process.pid}\n") and "\nready" in text:
                return
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the server does not start:\n" + (self.folder / "log").read_text())
            time.sleep(0.02)

    def stop(self):
        """Ends its connections ("fast")."""
        if self.process:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(PATIENCE)
            self.process = None

    def restart(self):
        self.stop()
        self.start()

    def kill(self):
        """SIGKILL to the postmaster; returns when all of its processes are gone."""
        if not self.process:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGSTOP)
        children = [p for p in os.listdir("/proc") if p.isdigit() and status_of(p)[1] == process.pid]
        process.kill()
        process.wait()
        until = time.monotonic() + PATIENCE
        for child in children:
            while status_of(child)[0] not in ("", "Z"):
                if time.monotonic() > until:
                    os.kill(int(child), signal.SIGKILL)
                time.sleep(0.02)

    def _become(self):
        """Runs in the child: another user if need be, and an end when this process ends."""
        os.setpgid(0, 0)
        if self._who:
            os.initgroups("postgres", self._who.pw_gid)
            os.setgid(self._who.pw_gid)
            os.setuid(self._who.pw_uid)
        os.chdir(self.folder)
        self._prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG

    def _tool(self, name, *words):
        done = subprocess.run([str(w) for w in (self.bin / name, *words)], preexec_fn=self._become,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{name} failed:\n{done.stdout}{done.stderr}")
        return done.stdout


def main():
    words = argparse.ArgumentParser(description="Runs COMMAND with a PostgreSQL server of its own.")
    words.add_argument("--fsync", action="store_true", help="commits reach the disk")
    words.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="in postgresql.conf")
    words.add_argument("command", nargs="+")
    given = words.parse_args()
    with Cluster(given.fsync, dict(s.split("=", 1) for s in given.set)) as server:
        environment = {**os.environ, "TIDEWIRE_POSTGRES_URL": server.url()}
        return subprocess.run(given.command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
