#!/usr/bin/env python3
"""Drives `tidewire watch` and `tidewire publish` as a user would, against `tidewire serve`.

usage: cli_realtime_test.py TIDEWIRE [unittest arguments]
"""
import json
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

TIDEWIRE = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "tidewire"
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
TOKEN = "a-token-of-sufficient-length"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidewire-realtime-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        (self.folder / "data").mkdir()
        (self.folder / "files").mkdir()
        (self.folder / "token").write_text(TOKEN + "\n")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = None

    def serve(self, *words):
        command = [TIDEWIRE, "serve", "--listen", f"127.0.0.1:{self.port}", "--data", "data",
                   "--files", "files", "--grace", "1s", "-q", *words]
        self.server = subprocess.Popen(command, cwd=self.folder, env=ENVIRONMENT,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(self.kill, self.server)
        self.assertIn(b"listening", self.server.stdout.readline())

    @staticmethod
    def kill(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()

    def crash(self):
        self.kill(self.server)

    def start(self, *words, **more):
        process = subprocess.Popen([TIDEWIRE, *map(str, words)], cwd=self.folder, env=ENVIRONMENT,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        self.addCleanup(self.kill, process)
        return process

    def run_to_end(self, *words, code=0, says=(), text=None):
        done = subprocess.run([TIDEWIRE, *map(str, words)], cwd=self.folder, env=ENVIRONMENT,
                              input=text, capture_output=True, timeout=60)
        error = done.stderr.decode("utf-8", "replace")
        self.assertEqual(done.returncode, code, error)
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, error)
        self.assertNotIn("\x1b", error)
        return done.stdout.decode("utf-8")

    def publish(self, *lines, channel="room", **more):
        text = "".join(line + "\n" for line in lines).encode()
        return self.run_to_end("publish", self.url, channel, text=text, **more)

    def watch(self, count, *words, **more):
        return self.run_to_end("watch", self.url, "room", "--since", "all", "--count", count,
                               *words, **more)


class Plain(Case):
    def setUp(self):
        super().setUp()
        self.serve()

    def test_what_is_published_is_watched(self):
        out = self.publish("one", "two", "dré")
        self.assertEqual([l.split()[:2] for l in out.splitlines()],
                         [["acked", "1"], ["acked", "2"], ["acked", "3"]])
        self.assertEqual(self.watch(3), "one\ntwo\ndré\n")

    def test_by_polling_alone(self):
        self.run_to_end("publish", self.url, "room", "--no-websocket", text=b"one\ntwo\n")
        self.assertEqual(self.watch(2, "--no-websocket"), "one\ntwo\n")

    def test_by_websocket_alone(self):
        self.run_to_end("publish", self.url, "room", "--no-polling", text=b"one\n")
        self.assertEqual(self.watch(1, "--no-polling"), "one\n")

    def test_goes_on_where_the_last_run_ended(self):
        self.publish("one", "two")
        self.assertEqual(self.watch(2, "--cursor", "seen"), "one\ntwo\n")
        self.publish("three")
        self.assertEqual(self.watch(1, "--cursor", "seen"), "three\n")
        self.assertEqual(self.watch(3), "one\ntwo\nthree\n")

    def test_json_is_ndjson(self):
        self.run_to_end("publish", self.url, "room", "--data", "json",
                        text=b'{"a": [1.0]}\n"x"\n')
        lines = [json.loads(l) for l in self.watch(2, "--json").splitlines()]
        self.assertEqual([l["offset"] for l in lines], [1, 2])
        self.assertEqual(lines[0]["data"], {"a": [1.0]})
        after = f"{lines[0]['epoch']}:1"
        out = self.run_to_end("watch", self.url, "room", "--since", after, "--count", 1)
        self.assertEqual(out, "x\n")

    def test_several_channels_are_told_apart(self):
        self.publish("a", channel="room")
        self.publish("b", channel="hall")
        out = self.run_to_end("watch", self.url, "room", "hall", "--since", "all", "--count", 2)
        self.assertEqual(sorted(out.splitlines()), ["hall\tb", "room\ta"])

    def test_a_run_that_is_repeated_publishes_nothing_twice(self):
        for _ in range(2):
            out = self.run_to_end("publish", self.url, "room", "--id-prefix", "job-7",
                                  text=b"one\ntwo\n")
        self.assertIn("already", out)
        self.publish("three")
        self.assertEqual(self.watch(3), "one\ntwo\nthree\n")

    def test_bad_lines_are_rejected_and_the_others_go(self):
        out = self.run_to_end("publish", self.url, "room", "--data", "json", "--json",
                              text=b'{"a":1}\n{"a":\n2\n' + b'"' + b"x" * 70000 + b'"\n3\n', code=4)
        states = {l["line"]: l["state"] for l in map(json.loads, out.splitlines())}
        self.assertEqual(states, {1: "acked", 2: "rejected", 3: "acked", 4: "rejected",
                                  5: "acked"})
        self.run_to_end("publish", self.url, "room", text=b"\xff\xfe\n", code=4,
                        says="not UTF-8")

    def test_nothing_to_publish_is_fine(self):
        self.assertEqual(self.run_to_end("publish", self.url, "room", text=b""), "")

    def test_input_from_a_file_and_without_a_last_line_end(self):
        (self.folder / "lines").write_text("one\ntwo")
        with open(self.folder / "lines", "rb") as lines:
            done = subprocess.run([TIDEWIRE, "publish", self.url, "room"], stdin=lines,
                                  env=ENVIRONMENT, capture_output=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.watch(2), "one\ntwo\n")

    def test_many_lines(self):
        lines = [str(i) for i in range(3000)]
        self.publish(*lines)
        self.assertEqual(self.watch(3000).split(), lines)

    def test_signals_end_it_in_good_order(self):
        self.publish("one")
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = self.start("watch", self.url, "room", "--since", "all", "--cursor", "seen",
                                 stdin=subprocess.DEVNULL)
            if number == signal.SIGINT:
                self.assertEqual(process.stdout.readline(), b"one\n")
            else:
                self.publish("two")
                self.assertEqual(process.stdout.readline(), b"two\n")
            process.send_signal(number)
            process.communicate(timeout=20)
            self.assertEqual(process.returncode, code)
        waits = self.start("publish", self.url, "room", stdin=subprocess.PIPE)
        waits.stdin.write(b"three\n")
        waits.stdin.flush()
        self.assertIn(b"acked", waits.stdout.readline())
        waits.send_signal(signal.SIGINT)
        self.assertEqual(waits.wait(timeout=20), 130)

    def test_a_server_that_is_killed_and_comes_back_loses_and_repeats_nothing(self):
        watching = self.start("watch", self.url, "room", "--since", "all")
        publishing = self.start("publish", self.url, "room", stdin=subprocess.PIPE)
        expected = []
        for round_ in range(3):
            for i in range(20):
                expected.append(f"{round_}.{i}")
                publishing.stdin.write((expected[-1] + "\n").encode())
                publishing.stdin.flush()
            time.sleep(0.2)
            self.crash()
            time.sleep(0.2)
            self.serve()
        publishing.stdin.close()
        self.assertEqual(publishing.wait(timeout=60), 0, publishing.stderr.read())
        got = [watching.stdout.readline().decode().strip() for _ in expected]
        self.assertEqual(got, expected)


class Bad(Case):
    def test_no_server(self):
        self.run_to_end("watch", self.url, "room", "--timeout", "1s", code=3, says="reached")
        self.run_to_end("publish", self.url, "room", "--timeout", "1s", text=b"x\n", code=3,
                        says="it was not sent")

    def test_wrong_token(self):
        self.serve("--token-file", "token")
        (self.folder / "wrong").write_text("another-token-of-length\n")
        for words in ((), ("--token-file", "wrong")):
            self.run_to_end("watch", self.url, "room", *words, code=4, says="credentials")
            self.run_to_end("publish", self.url, "room", *words, text=b"x\n", code=4,
                            says="credentials")
        self.run_to_end("publish", self.url, "room", "--token-file", "token", text=b"x\n")
        out = self.watch(1, "--token-file", "token")
        self.assertEqual(out, "x\n")

    def test_a_file_that_is_no_cursor_file_is_left_alone(self):
        self.serve()
        (self.folder / "seen").write_text("precious")
        self.watch(1, "--cursor", "seen", code=10, says="no cursor file")
        self.assertEqual((self.folder / "seen").read_text(), "precious")

    def test_a_new_log_is_told(self):
        self.serve()
        self.publish("one")
        self.watch(1, "--cursor", "seen")
        self.crash()
        for f in (self.folder / "data").iterdir():
            f.unlink()
        self.serve()
        self.publish("two")
        out = self.watch(1, "--cursor", "seen", "--json", says="missed")
        self.assertEqual([json.loads(l)["type"] for l in out.splitlines()], ["reset", "message"])

    def test_usage(self):
        bad = [("watch",), ("watch", self.url), ("watch", "ftp://x", "room"),
               ("watch", self.url, "room", "--since", "yesterday"),
               ("watch", self.url, "a\nb"), ("watch", self.url, "room", "--user", "a/b"),
               ("watch", self.url, "room", "--no-websocket", "--no-polling"),
               ("watch", self.url, "room", "--token-file", "missing"),
               ("publish", self.url), ("publish", self.url, ""),
               ("publish", self.url, "room", "--data", "xml")]
        for words in bad:
            with self.subTest(words):
                self.run_to_end(*words, code=2, says="tidewire", text=b"")


if __name__ == "__main__":
    unittest.main()
