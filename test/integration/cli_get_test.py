#!/usr/bin/env python3
"""Drives the built `tidewire` as a user would: one case per kind of bad input, each with the exit
code, the words that people need, and the proof that nothing was lost.

usage: cli_get_test.py TIDEWIRE [unittest arguments]
"""
import gzip
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from hostile_server import SIZE, HostileServer, content  # noqa: E402

TIDEWIRE = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "tidewire"
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidewire-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.server = self.enterContext(HostileServer())

    def tidewire(self, *words, timeout=60, **more):
        command = [TIDEWIRE, *map(str, words)]
        return subprocess.run(command, cwd=self.folder, env=ENVIRONMENT, capture_output=True,
                              timeout=timeout, **more)

    def get(self, path, *words, code=0, says=(), **more):
        url = path if "://" in path or ":" in path else self.server.url + path
        done = self.tidewire("get", url, *words, **more)
        error = done.stderr.decode("utf-8", "replace")
        self.assertEqual(done.returncode, code, error)
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, error)
        self.assertNotIn("\x1b", error)
        if code:
            self.assertTrue(error.startswith("tidewire"), error)
        return done

    def start(self, path, *words):
        command = [TIDEWIRE, "get", self.server.url + path, *map(str, words)]
        process = subprocess.Popen(command, cwd=self.folder, env=ENVIRONMENT,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        return process

    def bytes_of(self, name):
        return (self.folder / name).read_bytes()

    def wait_for_part(self, name, size=1):
        part = self.folder / (name + ".part")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            # The blocks that hold something: a sparse file has its whole length at once.
            if part.exists() and part.stat().st_blocks * 512 >= size:
                return
            time.sleep(0.02)
        self.fail(f"{part} did not appear")

    def names(self):
        return sorted(p.name for p in self.folder.iterdir())


class Plain(Case):
    def test_downloads_to_the_name_of_the_url(self):
        done = self.get("/good/a.bin")
        self.assertEqual(self.bytes_of("a.bin"), content("/good/a.bin"))
        self.assertEqual(self.names(), ["a.bin"])
        self.assertIn(b"saved", done.stdout)

    def test_downloads_in_segments(self):
        # Slow, since a fast answer is over before a second connection has begun.
        self.get("/slow", "-x", "4", "-k", "256K", "-o", "b.bin")
        self.assertEqual(self.bytes_of("b.bin"), content("slow"))
        begins = {r.range(SIZE)[0] for r in self.server.requests if r.range(SIZE)}
        self.assertGreaterEqual(len(begins), 4)

    def test_downloads_to_standard_output(self):
        done = self.get("/good/a.bin", "-o", "-")
        self.assertEqual(done.stdout, content("/good/a.bin"))
        self.assertEqual(self.names(), [])

    def test_checks_a_digest(self):
        digest = hashlib.sha256(content("/good/a.bin")).hexdigest()
        done = self.get("/good/a.bin", "--checksum", "sha-256=" + digest)
        self.assertIn(b"sha-256 verified", done.stdout)

    def test_follows_a_redirect(self):
        self.get("/redirect", "-o", "r.bin", "-v", says="redirected")
        self.assertEqual(self.bytes_of("r.bin"), content("/good/redirected.bin"))

    def test_needs_no_head(self):
        self.get("/no-head/x.bin")
        self.assertEqual(self.bytes_of("x.bin"), content("/no-head/x.bin"))

    def test_an_empty_quiet_run_says_nothing(self):
        done = self.get("/good/a.bin", "-q")
        self.assertEqual((done.stdout, done.stderr), (b"", b""))

    def test_reports_progress_as_json(self):
        done = self.get("/good/a.bin", "--progress", "json")
        lines = [json.loads(line) for line in done.stderr.decode().splitlines()]
        progress = [l for l in lines if l["type"] == "progress"]
        self.assertEqual(progress[-1]["phase"], "complete")
        self.assertEqual(progress[-1]["percentage"], 100)
        self.assertTrue(all(l["percentage"] is None or l["percentage"] < 100
                            for l in progress if l["phase"] != "complete"))
        self.assertEqual(lines[-1]["type"], "result")
        self.assertEqual(lines[-1]["exit_code"], 0)
        self.assertEqual(lines[-1]["bytes"], SIZE)

    def test_sends_headers_from_a_file(self):
        (self.folder / "h").write_text("# secret\nX-Key: canary-7\n")
        done = self.get("/echo-headers", "--header", "@h", "-o", "-", "-v")
        self.assertEqual(done.stdout, b"canary-7")
        self.assertNotIn(b"canary", done.stderr)

    def test_lists_of_files(self):
        digest = hashlib.sha256(content("/good/b")).hexdigest()
        (self.folder / "list").write_text(
            f"# two files\n{self.server.url}/good/a\n{self.server.url}/good/b\n"
            f"  out=renamed.bin\n  checksum=sha-256={digest}\n")
        (self.folder / "d").mkdir()
        done = self.tidewire("get", "-i", "list", "-d", "d")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.bytes_of("d/a"), content("/good/a"))
        self.assertEqual(self.bytes_of("d/renamed.bin"), content("/good/b"))
        self.assertEqual(done.stdout.count(b"saved"), 2)

    def test_a_list_from_standard_input(self):
        done = self.tidewire("get", "-i", "-", input=f"{self.server.url}/good/a\n".encode())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.bytes_of("a"), content("/good/a"))

    def test_one_failure_does_not_stop_the_others_and_gives_the_code(self):
        u = self.server.url
        done = self.tidewire("get", "-j", "1", f"{u}/status/404", f"{u}/until-close", f"{u}/good/a")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("a", self.names())
        self.assertEqual(done.stderr.count(b"tidewire: "), 2)


class BadCommandLine(Case):
    def usage(self, *words, says):
        done = self.tidewire(*words)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(says, done.stderr.decode())
        self.assertEqual(self.names(), [])
        self.assertEqual(self.server.requests, [])

    def test_malformed_urls(self):
        for url in ["nonsense", "http://", "http:///x", "http://host:99999/", "http://a b/", ""]:
            with self.subTest(url):
                self.usage("get", url, says="not a URL")

    def test_other_schemes(self):
        for url in ["ftp://host/x", "file:///etc/passwd", "javascript:alert(1)"]:
            with self.subTest(url):
                self.usage("get", url, says="http")

    def test_a_password_in_a_bad_url_is_not_repeated(self):
        done = self.tidewire("get", "ftp://me:hunter2@host/x?token=hunter2")
        self.assertEqual(done.returncode, 2)
        self.assertNotIn(b"hunter2", done.stderr)

    def test_bad_values(self):
        u = self.server.url + "/good/a"
        for words, says in [(["-x", "0"], "-x"), (["-x", "many"], "-x"), (["-k", "1X"], "min-split"),
                            (["--checksum", "md5=00"], "sha-256"),
                            (["--checksum", "sha-256=00"], "64 hexadecimal"),
                            (["--timeout", "soon"], "timeout"), (["--nonsense"], "nonsense"),
                            (["-o", "x", "-d", "y"], "not both"), (["--retries", "-1"], "retries"),
                            (["--header", "nonsense"], "Name: value"),
                            (["--header", "Range: bytes=0-"], "Range"),
                            (["--progress", "loud"], "progress"), (["-i", "absent"], "absent")]:
            with self.subTest(words):
                self.usage("get", u, *words, says=says)

    def test_nothing_to_do(self):
        self.usage("get", says="URL")
        self.usage(says="subcommand")

    def test_a_list_that_leaves_the_folder(self):
        done = self.tidewire("get", "-i", "-", input=f"{self.server.url}/good/a\n out=../x\n".encode())
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"line 2", done.stderr)

    def test_help_and_version(self):
        for words in [["--help"], ["get", "--help"], ["transfers", "--help"], ["serve", "--help"],
                      ["proxy", "--help"]]:
            done = self.tidewire(*words)
            self.assertEqual(done.returncode, 0)
            self.assertGreater(len(done.stdout), 300)
        self.assertIn(b"Exit codes", self.tidewire("get", "--help").stdout)
        self.assertRegex(self.tidewire("--version").stdout.decode(), r"^tidewire \d+\.\d+\.\d+\n$")


class BadNetwork(Case):
    def test_unknown_host(self):
        self.get("http://nowhere.invalid/x", "--retries", "1", code=3, says=["nowhere.invalid"],
                 timeout=120)
        self.assertEqual(self.names(), [])

    def test_nobody_listens(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        self.get(f"http://127.0.0.1:{port}/x", "--retries", "1", code=3, says="Run the same command")

    def test_final_refusals(self):
        for status in (401, 403, 404, 410):
            with self.subTest(status):
                self.get(f"/status/{status}", code=4, says=[str(status)])
                self.assertEqual(self.names(), [])

    def test_server_errors_are_retried_and_then_told(self):
        self.get("/status/500", "--retries", "1", code=3, says=["500"])
        self.assertEqual(len(self.server.requests), 2)
        self.assertEqual(self.names(), [])

    def test_redirect_loop(self):
        self.get("/redirect-loop", code=4, says="redirect")
        self.assertLess(len(self.server.requests), 60)
        self.assertEqual(self.names(), [])

    def test_redirect_to_another_scheme(self):
        self.get("/redirect-scheme", code=4, says="redirect")
        self.assertEqual(self.names(), [])

    def test_never_answers(self):
        began = time.monotonic()
        self.get("/never-answers", "--timeout", "1s", "--retries", "1", code=3)
        self.assertLess(time.monotonic() - began, 40)

    def test_absurd_retry_after(self):
        began = time.monotonic()
        self.get("/retry-after-forever", "--max-wait", "1s", "--retries", "2", code=3, says=["503"])
        self.assertGreater(time.monotonic() - began, 1.9)
        self.assertLess(time.monotonic() - began, 40)

    def test_no_http_at_all(self):
        self.get("/garbage", "--retries", "1", code=11)
        self.assertEqual(self.names(), [])


class LyingServer(Case):
    def test_length(self):
        self.get("/lies-length", "-o", "x", "--retries", "1", code=3)
        self.assertNotIn("x", self.names())

    def test_range(self):
        self.get("/lies-range", "-o", "x", "--retries", "1", code=11)
        self.assertNotIn("x", self.names())

    def test_hostile_name(self):
        (self.folder / "in").mkdir()
        self.get("/hostile-name", "-d", "in")
        saved = list((self.folder / "in").iterdir())
        self.assertEqual(len(saved), 1)
        self.assertNotIn("\x1b", saved[0].name)
        self.assertEqual(saved[0].read_bytes(), content("hostile-name"))
        self.assertNotIn("\u202e", saved[0].name)
        self.assertEqual(self.names(), ["in"])

    def test_control_characters_in_a_header(self):
        self.get("/control-header", code=11)
        self.assertEqual(self.names(), [])

    def test_gzip_is_stored_as_sent(self):
        self.get("/gzip", "-v", "-o", "x", says="content coding")
        self.assertEqual(gzip.decompress(self.bytes_of("x")), content("gzip", 200_000))

    def test_changes_midway(self):
        self.get("/changes-midway", "-o", "x", "-v", says="restarted")
        self.assertEqual(self.bytes_of("x"), content("version-2"))

    def test_never_stops_changing(self):
        self.get("/always-changes", "-o", "x", "--retries", "20", code=5, says="changed")
        self.assertNotIn("x", self.names())

    def test_changes_between_two_runs(self):
        self.get("/two-runs", "-o", "x", "--retries", "0", code=3, says="kept in x.part")
        self.assertIn("x.part", self.names())
        self.server.state["version"] = 2
        self.get("/two-runs", "-o", "x")
        self.assertEqual(self.bytes_of("x"), content("run-2"))

    def test_resumes_what_did_not_change(self):
        self.get("/two-runs", "-o", "x", "--retries", "0", code=3)
        self.server.state["healthy"] = True
        done = self.get("/two-runs", "-o", "x")
        self.assertIn(b"resumed at", done.stdout)
        self.assertEqual(self.bytes_of("x"), content("run-1"))

    def test_wrong_checksum(self):
        self.get("/good/a", "--checksum", "sha-256=" + "0" * 64, code=6, says=["digest mismatch", ".part"])
        self.assertNotIn("a", self.names())
        self.assertIn("a.part", self.names())
        self.get("/good/a")  # begins anew, without the wrong promise
        self.assertEqual(self.bytes_of("a"), content("/good/a"))

    def test_length_unverified(self):
        self.get("/until-close", code=7, says=["length unverified", "--accept-unverified"])
        self.assertNotIn("until-close", self.names())
        self.get("/until-close", "--accept-unverified")
        self.assertEqual(self.bytes_of("until-close"), content("until-close", 100_000))


class Disk(Case):
    def test_file_exists(self):
        (self.folder / "a").write_text("mine")
        self.get("/good/a", code=9, says=["exists", "--overwrite"])
        self.assertEqual(self.bytes_of("a"), b"mine")
        self.get("/good/a", "--overwrite")
        self.assertEqual(self.bytes_of("a"), content("/good/a"))

    def test_a_failed_overwrite_leaves_the_old_file(self):
        (self.folder / "x").write_text("mine")
        self.get("/two-runs", "-o", "x", "--overwrite", "--retries", "0", code=3)
        self.assertEqual(self.bytes_of("x"), b"mine")

    def test_folder_missing(self):
        self.get("/good/a", "-d", "absent", code=8, says="absent")
        self.get("/good/a", "-o", "absent/a", code=8, says="absent")
        self.assertEqual(self.names(), [])

    def test_folder_read_only(self):
        self.get("/good/a", "-d", "/sys/kernel", code=8, says="/sys/kernel")

    def test_folder_is_a_file(self):
        (self.folder / "f").write_text("mine")
        self.get("/good/a", "-d", "f", code=8)
        self.assertEqual(self.bytes_of("f"), b"mine")

    def test_disk_full(self):
        script = (f"mount -t tmpfs -o size=1m none full && cd full && "
                  f"'{TIDEWIRE}' get '{self.server.url}/good/a'; code=$?; ls; exit $code")
        (self.folder / "full").mkdir()
        for unshare in (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]):
            if subprocess.run([*unshare, "mount", "-t", "tmpfs", "none", self.folder / "full"],
                              capture_output=True).returncode == 0:
                break
        else:
            self.skipTest("may not mount a tmpfs here")
        done = subprocess.run([*unshare, "sh", "-c", script], cwd=self.folder, env=ENVIRONMENT,
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 8, done.stderr)
        self.assertIn(b"room", done.stderr)
        self.assertNotIn("a", done.stdout.decode().split())

    def test_foreign_partial_file(self):
        (self.folder / "a.part").write_text("somebody else's")
        self.get("/good/a", code=10, says=["Nothing was touched"])
        self.assertEqual(self.bytes_of("a.part"), b"somebody else's")

    def test_corrupt_journal(self):
        for junk in (b"somebody else's notes", os.urandom(300)):
            (self.folder / "a.part").write_bytes(b"x" * 1000)
            (self.folder / "a.part.journal").write_bytes(junk)
            self.get("/good/a", code=10, says=["Nothing was touched"])
            self.assertEqual(self.bytes_of("a.part"), b"x" * 1000)
            self.assertEqual(self.bytes_of("a.part.journal"), junk)

    def test_two_processes_on_one_target(self):
        first = self.start("/slow", "-o", "x", "-x", "2")
        self.wait_for_part("x")
        self.get("/good/other", "-o", "x", code=9, says="Nothing was touched")
        self.assertEqual(first.wait(60), 0, first.stderr.read())
        self.assertEqual(self.bytes_of("x"), content("slow"))


class Signals(Case):
    def ended_by(self, number):
        process = self.start("/slow", "-o", "x", "-x", "1")
        self.wait_for_part("x", 600_000)  # claims are made every 256 KiB, or each second
        process.send_signal(number)
        _, error = process.communicate(timeout=20)
        return process.returncode, error.decode()

    def resume(self):
        self.server.state["fast"] = True
        before = len(self.server.requests)
        done = self.get("/slow", "-o", "x")
        self.assertIn(b"resumed at", done.stdout)
        self.assertEqual(self.bytes_of("x"), content("slow"))
        self.assertEqual(self.names(), ["x"])
        asked = [r.headers.get("range", "") for r in self.server.requests[before:]]
        self.assertFalse(any(a.startswith("bytes=0-") for a in asked), asked)

    def test_interrupt(self):
        code, error = self.ended_by(signal.SIGINT)
        self.assertEqual(code, 130, error)
        self.assertIn("to resume", error)
        self.resume()

    def test_terminate(self):
        code, error = self.ended_by(signal.SIGTERM)
        self.assertEqual(code, 143, error)
        self.assertIn("x.part", error)
        self.resume()

    def test_kill(self):
        code, _ = self.ended_by(signal.SIGKILL)
        self.assertEqual(code, -signal.SIGKILL)
        self.resume()

    def test_kill_at_many_moments(self):
        for delay in (0.0, 0.01, 0.03, 0.1, 0.3, 0.6, 1.0):
            process = self.start("/slow", "-o", "x", "-x", "3", "-k", "64K")
            time.sleep(delay)
            process.kill()
            process.communicate()
            self.assertNotIn("x", self.names())
        self.server.state["fast"] = True
        self.get("/slow", "-o", "x")
        self.assertEqual(self.bytes_of("x"), content("slow"))


class Transfers(Case):
    def setUp(self):
        super().setUp()
        self.get("/two-runs", "-o", "x", "--retries", "0", code=3)

    def test_lists(self):
        done = self.tidewire("transfers", "list")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"x: ", done.stdout)
        for words in (["list", "--json"], ["list", "x", "--json"], ["list", "x.part", "--json"]):
            listed = json.loads(self.tidewire("transfers", *words).stdout)
            self.assertEqual(len(listed), 1)
            self.assertEqual(listed[0]["total_bytes"], SIZE)
            self.assertGreater(listed[0]["held_bytes"], 0)
            self.assertLess(listed[0]["held_bytes"], SIZE)
            self.assertIsNone(listed[0]["problem"])

    def test_verifies(self):
        self.assertEqual(self.tidewire("transfers", "verify", "x").returncode, 0)
        (self.folder / "x.part.journal").write_bytes(b"nonsense that is long enough to be a header")
        done = self.tidewire("transfers", "verify", "x")
        self.assertEqual(done.returncode, 10, done.stderr)

    def test_verifies_whole_files(self):
        (self.folder / "w").write_bytes(b"abc")
        good = hashlib.sha256(b"abc").hexdigest()
        self.assertEqual(
            self.tidewire("transfers", "verify", "w", "--checksum", "sha-256=" + good).returncode, 0)
        done = self.tidewire("transfers", "verify", "w", "--checksum", "sha-256=" + "0" * 64)
        self.assertEqual(done.returncode, 6)
        self.assertEqual(self.tidewire("transfers", "verify", "absent").returncode, 8)

    def test_aborts(self):
        (self.folder / "other").write_text("mine")
        self.assertEqual(self.tidewire("transfers", "abort", "other").returncode, 2)
        self.assertEqual(self.tidewire("transfers", "abort", "x").returncode, 0)
        self.assertEqual(self.names(), ["other"])

    def test_does_not_abort_what_is_not_ours(self):
        (self.folder / "x.part.journal").write_bytes(b"nonsense that is long enough to be a header")
        self.assertEqual(self.tidewire("transfers", "abort", "x").returncode, 10)
        self.assertIn("x.part", self.names())


class Serve(Case):
    def serve(self, *words):
        for name in ("data", "files"):
            (self.folder / name).mkdir(exist_ok=True)
        command = [TIDEWIRE, "serve", "--listen", "127.0.0.1:0", "--data", "data", "--files", "files",
                   *words]
        process = subprocess.Popen(command, cwd=self.folder, env=ENVIRONMENT,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        line = process.stdout.readline()
        match = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", line)
        self.assertTrue(match, line)
        return process, match[1]

    def test_get_from_serve(self):
        process, url = self.serve()
        (self.folder / "files" / "a.bin").write_bytes(content("served"))
        self.get(url + "/files/a.bin", "-x", "4", "-k", "256K")
        self.assertEqual(self.bytes_of("a.bin"), content("served"))
        metrics = self.get(url + "/metrics", "-o", "-", "--accept-unverified").stdout
        self.assertIn(b"tidewire_http_requests_total", metrics)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0, log)
        self.assertIn("path=/files/a.bin", log)

    def test_token(self):
        (self.folder / "token").write_text("a-long-enough-canary\n")
        (self.folder / "header").write_text("Authorization: Bearer a-long-enough-canary\n")
        process, url = self.serve("--token-file", "token", "-v")
        (self.folder / "files" / "a").write_bytes(b"abc")
        self.get(url + "/files/a", code=4, says=["401", "--header @FILE"])
        self.get(url + "/files/a", "--header", "@header")
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)
        self.assertNotIn("canary", log)

    def test_refuses_to_be_public_without_a_token(self):
        for name in ("data", "files"):
            (self.folder / name).mkdir()
        done = self.tidewire("serve", "--listen", "0.0.0.0:0", "--data", "data", "--files", "files")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(b"--token-file", done.stderr)

    def test_folders_must_exist(self):
        done = self.tidewire("serve", "--listen", "127.0.0.1:0", "--data", "d", "--files", "f")
        self.assertEqual(done.returncode, 8)
        self.assertIn(b"--data", done.stderr)


class Proxy(Case):
    def proxy(self, *words):
        upstream = self.server.url.removeprefix("http://")
        command = [TIDEWIRE, "proxy", "--upstream", upstream, *words]
        process = subprocess.Popen(command, cwd=self.folder, env=ENVIRONMENT,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        line = process.stdout.readline()
        match = re.fullmatch(r"listening on (127\.0\.0\.1:\d+)\n", line)
        self.assertTrue(match, line)
        return process, "http://" + match[1]

    def test_get_through_resets(self):
        process, url = self.proxy("--reset-after", "1M", "--latency", "2ms")
        done = self.get(url + "/good/a", "-v", says="retry")
        self.assertEqual(self.bytes_of("a"), content("/good/a"))
        self.assertIn(b"saved", done.stdout)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0, log)
        self.assertRegex(log, r"reset=[1-9]")

    def test_get_through_cuts(self):
        _, url = self.proxy("--cut-after", "700K")
        self.get(url + "/good/a")
        self.assertEqual(self.bytes_of("a"), content("/good/a"))

    def test_a_half_open_link_is_told(self):
        _, url = self.proxy("--half-open")
        self.get(url + "/good/a", "--timeout", "1s", "--retries", "1", code=3)
        self.assertEqual(self.names(), [])

    def test_a_fault_file_can_change_while_running(self):
        faults = self.folder / "faults.json"
        head = '{"format":"tidewire-proxy-faults","version":1,'
        faults.write_text(head + '"refuse":true}')
        process, url = self.proxy("--faults", "faults.json")
        self.get(url + "/good/a", "--retries", "0", code=3)
        faults.write_text(head + '"refuse":false}')
        self.get(url + "/good/a")
        self.assertEqual(self.bytes_of("a"), content("/good/a"))

    def test_bad_options(self):
        for words, says in [([], "upstream"), (["--upstream", "x"], "--upstream"),
                            (["--upstream", "127.0.0.1:1", "--latency", "soon"], "latency"),
                            (["--upstream", "127.0.0.1:1", "--listen", "::1"], "--listen"),
                            (["--upstream", "127.0.0.1:1", "--faults", "absent"], "absent"),
                            (["--upstream", "127.0.0.1:1", "--reset-probability", "2"],
                             "reset-probability")]:
            with self.subTest(words):
                done = self.tidewire("proxy", *words)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(says, done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
