#!/usr/bin/env python3
"""Drives `tidewire poll` as a user would, against a server on loopback.

usage: cli_poll_test.py TIDEWIRE [unittest arguments]
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from hostile_server import HostileServer  # noqa: E402

TIDEWIRE = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "tidewire"
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


class Poll(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(HostileServer())

    def start(self, path, *words):
        url = path if ":" in path else self.server.url + path
        process = subprocess.Popen([TIDEWIRE, "poll", url, *map(str, words)], env=ENVIRONMENT,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: process.poll() is None and (process.kill(), process.communicate()))
        return process

    def poll(self, path, *words, code=0, says=()):
        process = self.start(path, *words)
        out, error = process.communicate(timeout=60)
        text = error.decode("utf-8", "replace")
        self.assertEqual(process.returncode, code, text)
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, text)
        self.assertNotIn("\x1b", text)
        self.assertNotIn(b"\x1b", out)
        return out, text

    def wait_for_requests(self, count):
        deadline = time.monotonic() + 20
        while len(self.server.requests) < count:
            self.assertLess(time.monotonic(), deadline, "too few requests came")
            time.sleep(0.01)

    def set(self, value):
        self.server.state["value"] = value

    def test_prints_each_change_once_as_a_line_of_json(self):
        process = self.start("/poll", "--json", "--interval", "20ms", "--count", 3)
        for n in (2, 3):
            self.wait_for_requests(len(self.server.requests) + 5)
            self.set(b'{"n":\n %d}' % n)
        out, error = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, error)
        self.assertEqual([json.loads(l) for l in out.splitlines()],
                         [{"n": 1}, {"n": 2}, {"n": 3}])
        self.assertIn(b"next poll in", error)
        tags = [r.headers.get("if-none-match") for r in self.server.requests]
        self.assertIsNone(tags[0])
        self.assertTrue(all(tags[1:]), tags)

    def test_prints_text_without_what_harms_a_terminal(self):
        self.set(b"two\nlines \x1b[31mred")
        out, _ = self.poll("/poll", "--count", 1)
        self.assertEqual(out, b"two\nlines \\x1b[31mred\n")

    def test_quiet_says_nothing_but_the_changes(self):
        out, error = self.poll("/poll", "--count", 1, "-q")
        self.assertEqual((out, error), (b'{"n": 1}\n', ""))

    def test_a_long_poll_is_asked_again_as_soon_as_it_ends(self):
        self.server.state["held"] = 0.3
        process = self.start("/poll", "--wait", "5s", "--interval", "100ms")
        self.wait_for_requests(4)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        self.assertTrue(all("wait=5" in r.target for r in self.server.requests))

    def test_sigint_and_sigterm_end_it_cleanly(self):
        for number, code in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
            for path in ("/poll", "/never-answers"):
                with self.subTest(path=path, signal=number):
                    before = len(self.server.requests)
                    process = self.start(path)
                    self.wait_for_requests(before + 1)
                    process.send_signal(number)
                    process.communicate(timeout=30)
                    self.assertEqual(process.returncode, code)

    def test_refusals(self):
        for status in (401, 403, 404, 410):
            with self.subTest(status):
                before = len(self.server.requests)
                self.poll(f"/status/{status}", code=4, says=["refused", str(status), "Check"])
                self.assertEqual(len(self.server.requests), before + 1)

    def test_errors_up_to_the_maximum(self):
        fast = ["--interval", "5ms", "--max-interval", "20ms"]
        self.poll("/status/500", *fast, code=3, says=["5 polls in a row", "500", "--max-errors"])
        self.assertEqual(len(self.server.requests), 5)
        self.poll("/status/500", *fast, "--max-errors", 2, code=3, says="2 polls in a row")
        self.poll("/garbage", *fast, code=3)
        self.set(b"no json")
        self.poll("/poll", "--json", *fast, code=3, says="not JSON")

    def test_a_server_that_never_answers_is_given_up(self):
        self.poll("/never-answers", "--timeout", "50ms", "--interval", "5ms", "--max-errors", 2,
                  code=3, says="deadline")

    def test_a_body_above_the_limit(self):
        self.poll("/good/x", "--max-errors", 1, code=3, says="larger than")

    def test_a_header_from_a_file_is_sent_and_not_told(self):
        with tempfile.NamedTemporaryFile("w", suffix=".headers") as file:
            file.write("X-Key: canary-7\n")
            file.flush()
            out, error = self.poll("/echo-headers", "--header", "@" + file.name, "--count", 1)
        self.assertEqual(out, b"canary-7\n")
        self.assertNotIn("canary", error)

    def test_bad_command_lines(self):
        url = self.server.url + "/poll"
        for words, says in [(["nonsense"], "not a URL"), (["ftp://h/x"], "http"), ([], "url"),
                            ([url, "--interval", "soon"], "interval"),
                            ([url, "--interval", "0"], "interval"),
                            ([url, "--interval", "9s", "--max-interval", "1s"], "max-interval"),
                            ([url, "--adapt", "wildly"], "adapt"), ([url, "--count", "x"], "count"),
                            ([url, "--max-errors", "-1"], "max-errors"),
                            ([url, "--header", "nonsense"], "Name: value")]:
            with self.subTest(words):
                done = subprocess.run([TIDEWIRE, "poll", *words], env=ENVIRONMENT, timeout=30,
                                      capture_output=True)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(says, done.stderr.decode().lower() if says == "url"
                              else done.stderr.decode())
        self.assertEqual(self.server.requests, [])

    def test_help_has_the_exit_codes(self):
        done = subprocess.run([TIDEWIRE, "poll", "--help"], capture_output=True, timeout=30)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"Exit codes", done.stdout)


if __name__ == "__main__":
    unittest.main()
