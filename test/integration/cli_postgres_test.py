#!/usr/bin/env python3
"""Several `tidewire serve --store postgres://…` over one database, with `tidewire publish` at one and
`tidewire watch` at another.

usage: cli_postgres_test.py TIDEWIRE [unittest arguments]
"""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "postgres"))
from cluster import Cluster  # noqa: E402

TIDEWIRE = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "tidewire"
ENVIRONMENT = {k: v for k, v in os.environ.items()
               if not k.lower().endswith("_proxy") and not k.startswith("PG")}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One backend, which keeps its port over restarts."""

    def __init__(self, case, store):
        self.case, self.store = case, store
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidewire-cli-postgres-"))
        case.addCleanup(shutil.rmtree, self.folder, True)
        (self.folder / "data").mkdir()
        (self.folder / "files").mkdir()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        command = [TIDEWIRE, "serve", "--listen", f"127.0.0.1:{self.port}", "--data", "data", "--files",
                   "files", "--grace", "1s", "-q", "--store", self.store]
        self.process = subprocess.Popen(command, cwd=self.folder, env=ENVIRONMENT, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.case.addCleanup(end, self.process)
        self.case.assertIn(b"listening", self.process.stdout.readline())

    def kill(self):
        end(self.process)


def end(process):
    if process.poll() is None:
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()


class Shared(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database_server = Cluster()
        cls.addClassCleanup(cls.database_server.close)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidewire-cli-postgres-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.store = self.database_server.url(self.database_server.make_database())
        self.first, self.second = Server(self, self.store), Server(self, self.store)

    def run_tool(self, *words):
        process = subprocess.Popen([TIDEWIRE, *map(str, words)], cwd=self.folder, env=ENVIRONMENT,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(end, process)
        return process

    def watch(self, server, *words):
        return self.run_tool("watch", server.url, "room", *words)

    def say(self, publisher, *lines):
        for line in lines:
            publisher.stdin.write((line + "\n").encode())
        publisher.stdin.flush()

    def hear(self, watcher, count):
        return [watcher.stdout.readline().decode().rstrip("\n") for _ in range(count)]

    def test_what_is_published_at_one_is_watched_at_the_other(self):
        watcher = self.watch(self.second, "--since", "all")
        publisher = self.run_tool("publish", self.first.url, "room")
        lines = [f"line {i}" for i in range(500)]
        self.say(publisher, *lines)
        self.assertEqual(self.hear(watcher, len(lines)), lines)

    def test_the_publishers_server_is_killed(self):
        watcher = self.watch(self.second, "--since", "all")
        publisher = self.run_tool("publish", self.first.url, "room")
        expected = []
        for turn in range(4):
            lines = [f"{turn}.{i}" for i in range(40)]
            expected += lines
            self.say(publisher, *lines)
            time.sleep(0.1)  # somewhere in the middle of it
            self.first.kill()
            self.first.start()
        publisher.stdin.close()
        self.assertEqual(self.hear(watcher, len(expected)), expected)
        self.assertEqual(publisher.wait(60), 0)

    def test_the_watchers_server_is_killed_and_then_the_database(self):
        watcher = self.watch(self.second, "--since", "all")
        publisher = self.run_tool("publish", self.first.url, "room")
        expected = []
        for fault in (self.second.kill, self.database_server.restart, self.second.kill,
                      self.database_server.kill):
            lines = [f"{len(expected)}.{i}" for i in range(40)]
            expected += lines
            self.say(publisher, *lines)
            time.sleep(0.1)
            fault()
            if fault == self.second.kill:
                self.second.start()
            if fault == self.database_server.kill:
                self.database_server.start()
        publisher.stdin.close()
        self.assertEqual(self.hear(watcher, len(expected)), expected)
        self.assertEqual(publisher.wait(60), 0)

    def test_clients_move_to_the_other_server(self):
        """Each half of the lines through another server, and the watcher moves the other way."""
        lines = [f"line {i}\n" for i in range(300)]
        watcher = self.watch(self.first, "--since", "all", "--cursor", "seen")
        publisher = self.run_tool("publish", self.first.url, "room", "--id-prefix", "job")
        self.say(publisher, *(line.strip() for line in lines))
        heard = self.hear(watcher, 100)
        self.first.kill()  # it does not come back
        publisher.kill()   # nor does the publisher know how far it got
        watcher.send_signal(signal.SIGTERM)
        rest, _ = watcher.communicate(timeout=60)
        heard += rest.decode().splitlines()
        again = subprocess.run([TIDEWIRE, "publish", self.second.url, "room", "--id-prefix", "job"],
                               cwd=self.folder, env=ENVIRONMENT, input="".join(lines).encode(),
                               capture_output=True, timeout=60)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn(b"already", again.stdout)
        watcher = self.watch(self.second, "--cursor", "seen")
        heard += self.hear(watcher, len(lines) - len(heard))
        self.assertEqual(heard, [line.strip() for line in lines])


class Bad(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database_server = Cluster()
        cls.addClassCleanup(cls.database_server.close)

    def serve(self, store, code, says, **more):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="tidewire-cli-postgres-"))
        self.addCleanup(shutil.rmtree, folder, True)
        (folder / "data").mkdir()
        (folder / "files").mkdir()
        command = [TIDEWIRE, "serve", "--listen", "127.0.0.1:0", "--data", "data", "--files", "files",
                   "--store", store]
        done = subprocess.run(command, cwd=folder, env={**ENVIRONMENT, **more}, capture_output=True,
                              timeout=60)
        error = done.stderr.decode()
        self.assertEqual(done.returncode, code, error)
        self.assertIn(says, error)
        self.assertNotIn("canary", error)
        self.assertEqual(os.listdir(folder / "data"), [])
        return error

    def test_no_server(self):
        error = self.serve(f"postgres://127.0.0.1:{free_port()}/x", 3, "can't be reached")
        self.assertIn("is the server running", error)

    def test_wrong_password(self):
        self.serve(self.database_server.url(user="guarded", password="canary"), 4, "password")
        guarded = self.database_server.url(user="guarded")
        self.serve(guarded, 4, "PGPASSWORD")
        self.serve(guarded, 4, "authentication failed", PGPASSWORD="canary")

    def test_no_such_database(self):
        self.serve(self.database_server.url("nothing_here"), 4, "nothing_here")

    def test_no_right_to_make_the_tables(self):
        database = self.database_server.make_database()
        self.serve(self.database_server.url(database, user="guarded"), 4, "permission denied",
                   PGPASSWORD=Cluster.PASSWORD)

    def test_a_later_schema(self):
        database = self.database_server.make_database()
        self.database_server.psql(
            "CREATE SCHEMA tidewire; CREATE TABLE tidewire.schema_version (part text, version bigint);"
            "INSERT INTO tidewire.schema_version VALUES ('messages', 1000)", database)
        self.serve(self.database_server.url(database), 8, "later version")

    def test_no_address(self):
        for bad in ("nonsense", "mysql://u:canary@h/d", "sqlite:", "postgres://u:canary@h/d?canary=1"):
            with self.subTest(bad):
                self.serve(bad, 2, "postgres://USER@HOST:PORT/DATABASE")


if __name__ == "__main__":
    unittest.main()
