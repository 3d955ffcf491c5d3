#!/usr/bin/env python3
"""Drives `tidewire queue` as a user would, over an SQLite file: enqueue, look, work with commands of
every temper, kills, and each kind of bad input with its exit code and the words that people need.

usage: cli_queue_test.py TIDEWIRE [unittest arguments]
"""
import http.server
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TIDEWIRE = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "tidewire"
ENVIRONMENT = {k: v for k, v in os.environ.items()
               if not k.lower().endswith("_proxy") and not k.startswith("TIDEWIRE")}
PATIENCE = 60  # seconds; nothing is expected to take so long


def wait_for(what, says):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if got := what():
            return got
        time.sleep(0.05)
    raise AssertionError(f"waited in vain: {says}")


def alive(process_id):
    try:
        state = pathlib.Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidewire-queue-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.store = f"sqlite:{self.folder}/tasks.db"

    def queue(self, command, *words, code=0, says=(), store=None, **more):
        line = [TIDEWIRE, "queue", command, "--store", store or self.store, *map(str, words)]
        done = subprocess.run(line, cwd=self.folder, env=ENVIRONMENT, capture_output=True, text=True,
                              timeout=PATIENCE, **more)
        self.assertEqual(done.returncode, code, (line, done.stdout, done.stderr))
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, done.stderr)
        self.assertNotIn("\x1b", done.stderr + done.stdout)
        if code == 2:
            self.assertTrue(done.stderr.startswith("tidewire"), done.stderr)
        return done

    def lines(self, command, *words, **more):
        return [json.loads(line)
                for line in self.queue(command, "--json", *words, **more).stdout.splitlines()]

    def enqueue(self, kind="k", payload=None, *words):
        extra = [] if payload is None else [json.dumps(payload)]
        return self.lines("enqueue", "--kind", kind, *words, "--", *extra)[0]["id"] if extra else \
            self.lines("enqueue", "--kind", kind, *words)[0]["id"]

    def show(self, task):
        return self.lines("show", task)[0]

    def state(self, task):
        return self.show(task)["state"]

    def work(self, *words, until_idle=True, **more):
        return self.lines("work", *words, *(["--until-idle"] if until_idle else []), "--poll",
                          "50ms", **more)

    def start_worker(self, *words):
        command = [TIDEWIRE, "queue", "work", "--store", self.store, "--json", "--poll", "50ms",
                   *map(str, words)]
        process = subprocess.Popen(command, cwd=self.folder, env=ENVIRONMENT, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        return process

    def wait_for_state(self, task, state):
        wait_for(lambda: self.state(task) == state, f"task {task} {state}")

    def read(self, name):
        path = self.folder / name
        return path.read_text() if path.exists() else ""


class Looking(Case):
    def test_a_task_is_shown_as_it_was_enqueued(self):
        task = self.enqueue("mail", {"to": "ann"}, "--priority", "high", "--name", "n-1", "--batch",
                            "b", "--metadata", '{"m":1}', "--max-attempts", "7", "--timeout", "5s")
        shown = self.show(task)
        self.assertEqual((shown["kind"], shown["payload"], shown["priority"], shown["metadata"]),
                         ("mail", {"to": "ann"}, "high", {"m": 1}))
        self.assertEqual((shown["state"], shown["max_attempts"], shown["timeout_ms"]),
                         ("ready", 7, 5000))
        self.assertEqual(self.show("n-1"), shown)
        self.assertIn("payload      {\"to\": \"ann\"}", self.queue("show", task).stdout)

    def test_lists_are_filtered_and_paged(self):
        ids = [self.enqueue("a"), self.enqueue("b"), self.enqueue("a", None, "--priority", "low")]
        self.assertEqual([t["id"] for t in self.lines("list")], ids)
        self.assertEqual([t["id"] for t in self.lines("list", "--kind", "a")], [ids[0], ids[2]])
        self.assertEqual([t["id"] for t in self.lines("list", "--priority", "low")], ids[2:])
        self.assertEqual([t["id"] for t in self.lines("list", "--after", ids[0], "--limit", 1)],
                         [ids[1]])
        self.assertEqual(self.lines("list", "--state", "failed"), [])
        self.assertIn("--after", self.queue("list", "--limit", 2).stderr)

    def test_stats_and_top_count(self):
        self.enqueue("a")
        self.enqueue("b", None, "--delay", "1h")
        stats = self.lines("stats")[0]
        self.assertEqual((stats["live"], stats["states"]["ready"], stats["states"]["scheduled"]),
                         (2, 1, 1))
        frames = self.lines("top", "--count", 2, "--interval", "100ms")
        self.assertEqual([f["stats"]["live"] for f in frames], [2, 2])
        self.assertIn("scheduled", self.queue("top", "--count", 1).stdout)

    def test_the_store_may_stand_in_the_environment(self):
        self.enqueue()
        done = subprocess.run([TIDEWIRE, "queue", "stats", "--json"], capture_output=True, text=True,
                              env={**ENVIRONMENT, "TIDEWIRE_STORE": self.store}, timeout=PATIENCE)
        self.assertEqual(json.loads(done.stdout)["live"], 1, done.stderr)


class Enqueuing(Case):
    def test_a_name_is_taken_once(self):
        first = self.lines("enqueue", "--kind", "k", "--name", "once")[0]
        second = self.lines("enqueue", "--kind", "k", "--name", "once")[0]
        self.assertEqual((first["duplicate"], second["duplicate"]), (False, True))
        self.assertEqual(first["id"], second["id"])

    def test_lines_of_a_file_with_bad_ones_among_them(self):
        lines = ['{"payload":{"n":1}}', "", "nonsense", '{"payload":{"n":2},"delay":"-1s"}',
                 '{"kind":"other","payload":{"n":3},"name":"x"}', '{"nam":"y"}',
                 '{"payload":' + json.dumps("p" * 1_100_000) + "}", '{"payload":"' + "q" * 3_000_000,
                 '{"payload":{"n":4},"depends_on":["x"]}', '{"depends_on":["nobody"]}',
                 '{"payload":{"n":5}}']
        (self.folder / "t.ndjson").write_text("\n".join(lines))
        receipts = self.lines("enqueue", "--kind", "k", "--from", "t.ndjson", code=4)
        by_line = {r["line"]: r for r in receipts}
        self.assertEqual(sorted(by_line), [1, 3, 4, 5, 6, 7, 8, 9, 10, 11], "each, but the empty one")
        self.assertEqual([n for n, r in by_line.items() if r["state"] == "queued"], [1, 5, 9, 11])
        for line, word in ((3, "not JSON"), (4, "negative"), (6, '"nam" is not known'),
                           (7, "too large"), (8, "longer"), (10, "depends")):
            self.assertIn(word, by_line[line]["reason"], line)
        tasks = self.lines("list")
        self.assertEqual([(t["kind"], t["state"]) for t in tasks],
                         [("k", "ready"), ("other", "ready"), ("k", "waiting"), ("k", "ready")])
        said = self.queue("enqueue", "--kind", "k", "--from", "-", code=4, input="[]\n").stderr
        self.assertIn("rejected line 1: not a JSON object", said)

    def test_many_lines_through_a_pipe(self):
        text = "".join(json.dumps({"payload": n}) + "\n" for n in range(5000))
        self.queue("enqueue", "--kind", "k", "--from", "-", "-q", input=text)
        self.assertEqual(self.lines("stats")[0]["live"], 5000)

    def test_bad_input_enqueues_nothing(self):
        for words, says in ((["{}"], "--kind"), (["--kind", "k", "{"], "not JSON"),
                            (["--kind", "k", "hello"], "'\"text\"'"),
                            (["--kind", "k", "--delay", "-5s"], "not negative"),
                            (["--kind", "k", "--timeout", "soon"], "--timeout"),
                            (["--kind", "k", "--max-attempts", "0"], "--max-attempts"),
                            (["--kind", "k", "--priority", "urgent"], "--priority"),
                            (["--kind", "k", "--from", "missing"], "No such file"),
                            (["--kind", "k", "--from", "x", "{}"], "not both")):
            self.queue("enqueue", *words, code=2, says=says)
        self.assertFalse((self.folder / "tasks.db").exists())
        for words, says in ((["--delay", "20y"], "not a time"), ):
            self.queue("enqueue", "--kind", "k", *words, code=2, says=says)
        self.queue("enqueue", "--kind", "k", "--delay", "9999d", code=4, says="delay")
        self.queue("enqueue", "--kind", "k", "--metadata", "[]", code=4, says="metadata")
        self.queue("enqueue", "--kind", "k" * 300, code=4, says="too long")
        huge = self.folder / "huge"
        huge.write_text(json.dumps({"kind": "k", "payload": "x" * 1024 * 1024}))
        self.queue("enqueue", "--from", "huge", code=4, says="line 1")
        self.assertEqual(self.lines("list"), [])


class Changing(Case):
    def test_cancel_tells_the_truth(self):
        task = self.enqueue()
        self.assertEqual(self.lines("cancel", task)[0]["answer"], "cancelled")
        self.assertEqual(self.lines("cancel", task, code=4)[0]["answer"], "already_final")
        self.assertEqual(self.lines("cancel", 99, code=4)[0]["answer"], "not_found")
        self.queue("cancel", task, 99, code=4, says=["had ended before", "no such task"])

    def test_cancel_ends_a_running_command(self):
        task = self.enqueue()
        worker = self.start_worker("--kind", "k=echo $$ > pid; exec sleep 600", "--lease", "1s")
        pid = int(wait_for(lambda: self.read("pid").strip(), "the command runs"))
        self.assertEqual(self.lines("cancel", task)[0]["answer"], "requested")
        self.wait_for_state(task, "cancelled")
        wait_for(lambda: not alive(pid), "the command has ended")
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(PATIENCE), 0)

    def test_retry_hastens(self):
        task = self.enqueue("k", None, "--delay", "1h")
        self.assertEqual(self.state(task), "scheduled")
        self.assertEqual(self.lines("retry", task)[0]["answer"], "ready")
        self.assertEqual(self.state(task), "ready")
        self.assertEqual(self.lines("retry", task, code=4)[0]["answer"], "not_waiting")

    def test_replay_gives_all_attempts_again(self):
        tasks = [self.enqueue("k", None, "--max-attempts", "1") for _ in range(2)]
        self.queue("replay", tasks[0], code=4, says="has not ended")
        self.work("--kind", "k=exit 1")
        self.assertEqual([self.state(t) for t in tasks], ["failed", "failed"])
        self.assertEqual(self.lines("replay", tasks[0])[0]["answer"], "ready")
        self.assertEqual(self.lines("replay", "--all")[0]["replayed"], 1)
        self.assertEqual([t["attempt"] for t in self.lines("list")], [0, 0])
        self.work("--kind", "k=true")
        self.assertEqual([self.state(t) for t in tasks], ["done", "done"])
        self.queue("replay", code=2, says="--all")
        self.queue("replay", 1, "--all", code=2, says="--all")

    def test_a_pause_holds_every_worker(self):
        self.queue("migrate")
        self.queue("pause")
        task = self.enqueue()
        self.assertTrue(self.lines("stats")[0]["paused"])
        worker = self.start_worker("--kind", "k=true", "--until-idle")
        self.assertIn("paused", worker.stderr.readline())
        self.assertEqual(self.state(task), "ready")
        self.queue("resume")
        self.assertEqual(worker.wait(PATIENCE), 0)
        self.assertEqual(self.state(task), "done")


class Working(Case):
    def test_what_a_command_prints_is_the_result(self):
        ids = [self.enqueue(kind, {"n": 1}) for kind in ("json", "text", "none", "garbage")]
        events = self.work("--kind", "json=cat", "--kind", "text=echo hello", "--kind",
                           "none=true", "--kind", r"garbage=head -c 400000 /dev/zero | tr '\0' '\377'")
        done = {e["task"]: e for e in events if e["type"] == "done"}
        self.assertEqual(sorted(done), ids)
        shown = [self.show(i).get("result") for i in ids]
        self.assertEqual(shown[:3], [{"n": 1}, "hello", None])
        self.assertTrue(shown[3].startswith("\ufffd\ufffd"))
        self.assertLess(len(shown[3]), 40_000)
        self.assertEqual(events[-1]["type"], "end")
        self.assertEqual(events[-1]["done"], 4)

    def test_a_command_knows_its_task(self):
        task = self.enqueue("k", None, "--name", "na me", "--metadata", '{"m":1}')
        self.work("--kind", 'k=read p; echo "$p $TIDEWIRE_TASK_ID $TIDEWIRE_TASK_KIND '
                  '$TIDEWIRE_TASK_NAME $TIDEWIRE_TASK_METADATA $TIDEWIRE_TASK_ATTEMPT '
                  '$TIDEWIRE_TASK_MAX_ATTEMPTS $TIDEWIRE_TASK_FENCE"')
        self.assertEqual(self.show(task)["result"], f'null {task} k na me {{"m":1}} 1 3 1')

    def test_exit_codes_are_outcomes(self):
        commands = {"bad": "echo no address >&2; exit 65", "temp": "exit 75", "one": "exit 1",
                    "killed": "kill -9 $$", "gone": "no-such-command", "slow": "exit 75"}
        ids = {kind: self.enqueue(kind, None, "--max-attempts", 2, "--retry-delay", "10ms")
               for kind in commands}
        events = self.work(*[w for k, c in commands.items() for w in ("--kind", f"{k}={c}")])
        shown = {kind: self.show(i) for kind, i in ids.items()}
        self.assertEqual({k: (t["state"], t["attempt"]) for k, t in shown.items()},
                         {k: ("discarded", 1) if k == "bad" else ("failed", 2) for k in commands})
        self.assertEqual(shown["bad"]["error"], "exit code 65: no address")
        self.assertEqual(shown["temp"]["error"], "exit code 75")
        self.assertIn("signal 9", shown["killed"]["error"])
        self.assertIn("no such command", shown["gone"]["error"])
        failed = [e for e in events if e["type"] == "failed"]
        self.assertEqual({e["task"] for e in failed}, {i for k, i in ids.items() if k != "bad"})
        exhausted = {e["task"]: e["state"] for e in events if e["type"] == "exhausted"}
        self.assertEqual(exhausted[ids["bad"]], "discarded")
        self.assertEqual(len(exhausted), len(commands))

    def test_a_command_that_hangs_is_ended_with_all_that_it_started(self):
        task = self.enqueue("k", None, "--timeout", "1s", "--max-attempts", 1)
        self.work("--kind", "k=sleep 600 & echo $! > grandchild; echo $$ > child; wait")
        self.assertEqual(self.state(task), "failed")
        self.assertIn("did not end within 1000 ms", self.show(task)["error"])
        for name in ("child", "grandchild"):
            self.assertFalse(alive(int(self.read(name))), name)

    def test_a_command_that_ignores_sigterm_is_killed(self):
        task = self.enqueue("k", None, "--timeout", "1s", "--max-attempts", 1)
        self.work("--grace", "500ms", "--kind",
                  "k=trap 'echo told >> said' TERM; echo $$ > child; while :; do sleep 0.1; done")
        self.assertEqual(self.state(task), "failed")
        self.assertEqual(self.read("said"), "told\n", "SIGTERM came first")
        self.assertFalse(alive(int(self.read("child"))))

    def test_what_a_command_leaves_behind_ends_with_it(self):
        task = self.enqueue()
        self.work("--kind", "k=sleep 600 & echo $! > left; echo fine")
        self.assertEqual(self.show(task)["result"], "fine")
        self.assertFalse(alive(int(self.read("left"))))

    def test_a_command_that_does_not_read_is_no_fault(self):
        (self.folder / "t").write_text(json.dumps({"payload": "x" * 500_000}))
        task = self.lines("enqueue", "--kind", "k", "--from", "t")[0]["id"]
        self.work("--kind", "k=exec <&-; echo fine")
        self.assertEqual(self.show(task)["result"], "fine")

    def test_other_kinds_are_left_alone(self):
        mine, other = self.enqueue("k"), self.enqueue("other")
        self.work("--kind", "k=true")
        self.assertEqual((self.state(mine), self.state(other)), ("done", "ready"))
        self.assertEqual(self.lines("doctor")[0]["ready_kinds"], ["other"])

    def test_until_idle_waits_for_what_is_to_be_tried_again(self):
        task = self.enqueue("k", None, "--retry-delay", "300ms")
        self.work("--kind", 'k=test "$TIDEWIRE_TASK_ATTEMPT" = 3')
        self.assertEqual((self.state(task), self.show(task)["attempt"]), ("done", 3))

    def test_until_idle_ends_when_there_is_nothing(self):
        self.assertEqual(self.work("--kind", "k=true")[-1]["done"], 0)

    def test_the_first_signal_lets_tasks_end(self):
        task = self.enqueue()
        later = self.enqueue("k")
        worker = self.start_worker("--concurrency", 1, "--kind",
                                   "k=touch begun; while ! test -e go; do sleep 0.1; done")
        wait_for(lambda: (self.folder / "begun").exists(), "the command runs")
        worker.send_signal(signal.SIGINT)
        self.assertIn("second signal", worker.stderr.readline())
        (self.folder / "go").touch()
        self.assertEqual(worker.wait(PATIENCE), 0)
        self.assertEqual((self.state(task), self.state(later)), ("done", "ready"))

    def test_the_second_signal_ends_at_once(self):
        task = self.enqueue()
        worker = self.start_worker("--kind", "k=trap '' TERM; echo $$ > pid; sleep 600; sleep 600",
                                   "--lease", "1s")
        pid = int(wait_for(lambda: self.read("pid").strip(), "the command runs"))
        worker.send_signal(signal.SIGTERM)
        self.assertIn("second signal", worker.stderr.readline())
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(PATIENCE), 143)
        wait_for(lambda: not alive(pid), "the command has ended")
        self.work("--kind", "k=true", "--lease", "1s")
        self.assertEqual(self.state(task), "done", "another worker took it over")

    def test_a_killed_worker_is_taken_over(self):
        tasks = [self.enqueue() for _ in range(4)]
        first = self.start_worker("--concurrency", 2, "--lease", "1s", "--kind",
                                  "k=echo $$ >> pids; exec sleep 600")
        pids = wait_for(lambda: len(p := self.read("pids").split()) == 2 and p, "two commands run")
        first.kill()
        first.wait(PATIENCE)
        for pid in pids:
            wait_for(lambda p=pid: not alive(int(p)), "commands of a killed worker end")
        self.work("--kind", "k=echo second", "--lease", "1s")
        shown = [self.show(t) for t in tasks]
        self.assertEqual([t["state"] for t in shown], ["done"] * 4)
        self.assertEqual(sorted(t["fence"] for t in shown), [1, 1, 2, 2])

    def test_two_workers_share_a_file(self):
        text = "".join(json.dumps({"payload": n}) + "\n" for n in range(60))
        self.queue("enqueue", "--kind", "k", "--from", "-", "-q", input=text)
        workers = [self.start_worker("--kind", "k=cat >> ran", "--until-idle", "--name", name)
                   for name in ("a", "b")]
        for w in workers:
            self.assertEqual(w.wait(PATIENCE), 0, w.stderr.read())
        self.assertEqual(sorted(map(int, self.read("ran").split())), list(range(60)), "each once")
        self.assertEqual({t["worker"] for t in self.lines("list")}, {"a", "b"})

    def test_bad_command_lines(self):
        for words, says in (([], "--kind"), (["--kind", "mail"], "NAME=COMMAND"),
                            (["--kind", "=x"], "NAME=COMMAND"),
                            (["--kind", "a=b", "--kind", "a=c"], "twice"),
                            (["--kind", "a=b", "--lease", "1ms"], "--lease"),
                            (["--kind", "a=b", "--concurrency", "0"], "--concurrency")):
            self.queue("work", *words, code=2, says=says)


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.seen.append((self.command, self.path, self.headers.get("X-A"), body))
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "1")
        answer = b'{"ok":true}'
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST

    def log_message(self, *_):
        pass


class Requests(Case):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        self.server.seen, self.server.answers = [], []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def test_a_request_is_made_and_its_answer_kept(self):
        task = self.enqueue("http", {"url": self.url + "/p", "headers": {"X-A": "b"},
                                     "body": {"n": 1}})
        self.work("--kind", "http")
        self.assertEqual(self.server.seen, [("POST", "/p", "b", b'{"n": 1}')])
        self.assertEqual(self.show(task)["result"], {"status": 200, "body": {"ok": True}})

    def test_retry_after_is_obeyed(self):
        self.server.answers = [503]
        task = self.enqueue("http", {"url": self.url}, "--retry-delay", "1h")
        events = self.work("--kind", "http")
        self.assertEqual(self.state(task), "done")
        failed = [e for e in events if e["type"] == "failed"]
        self.assertEqual(len(failed), 1)
        self.assertGreater(failed[0]["next_attempt_ms"], 900)
        self.assertLess(failed[0]["next_attempt_ms"], 1100)

    def test_a_refusal_is_final_and_so_is_nonsense(self):
        self.server.answers = [404]
        ids = [self.enqueue("http", p) for p in ({"url": self.url}, {"url": "ftp://x"}, 3)]
        self.work("--kind", "http", "--concurrency", 1)
        self.assertEqual([self.state(i) for i in ids], ["discarded"] * 3)
        self.assertIn("404", self.show(ids[0])["error"])
        self.assertEqual(len(self.server.seen), 1)

    def test_no_answer_is_tried_again(self):
        port = self.server.server_port
        self.server.shutdown()
        self.server.server_close()
        task = self.enqueue("http", {"url": f"http://127.0.0.1:{port}"}, "--max-attempts", 2,
                            "--retry-delay", "10ms")
        self.work("--kind", "http")
        self.assertEqual((self.state(task), self.show(task)["attempt"]), ("failed", 2))


class Stores(Case):
    def test_a_store_that_is_not_there(self):
        for command in ("list", "stats", "pause", "doctor", "prune", "top"):
            self.queue(command, code=8, says="no task store")
        self.assertEqual(list(self.folder.iterdir()), [])
        for command in (["enqueue", "--kind", "k"], ["work", "--kind", "k=true"], ["migrate"]):
            self.queue(*command, code=8, says="folder",
                       store=f"sqlite:{self.folder}/missing/tasks.db")

    def test_an_address_that_is_none(self):
        for store in ("tasks.db", "sqlite:", "sqlite::memory:", "redis://x"):
            self.queue("list", store=store, code=2, says="sqlite:tasks.db")
        done = subprocess.run([TIDEWIRE, "queue", "list"], env=ENVIRONMENT, capture_output=True,
                              text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--store", done.stderr)

    def test_files_of_others_are_left_as_they_are(self):
        path = self.folder / "tasks.db"
        other = sqlite3.connect(self.folder / "other.db")
        other.execute("CREATE TABLE mine (x)")
        other.commit()
        other.close()
        contents = [b"no database at all, but long enough to be one " * 20,
                    (self.folder / "other.db").read_bytes()]
        for content in contents:
            path.write_bytes(content)
            for command in (["list"], ["enqueue", "--kind", "k"], ["migrate"]):
                self.queue(*command, code=10, says="left as it is")
            self.assertEqual(path.read_bytes(), content)

    def test_a_later_version_is_left_as_it_is(self):
        self.enqueue()
        db = sqlite3.connect(self.folder / "tasks.db")
        db.execute("PRAGMA user_version=99")
        db.commit()
        db.close()
        for command in (["list"], ["enqueue", "--kind", "k"], ["work", "--kind", "k=true"]):
            self.queue(*command, code=10, says="later version")
        db = sqlite3.connect(self.folder / "tasks.db")
        self.assertEqual(db.execute("SELECT count(*) FROM queue_task").fetchone(), (1,))
        db.close()

    def test_a_locked_store(self):
        self.enqueue()
        db = sqlite3.connect(self.folder / "tasks.db", isolation_level=None)
        self.addCleanup(db.close)
        db.execute("BEGIN IMMEDIATE")
        self.queue("enqueue", "--kind", "k", code=3, says="Try again")
        self.queue("pause", code=3, says="Try again")
        self.assertEqual(len(self.lines("list")), 1, "reading needs no lock")

    def test_migrate_makes_tables_and_prints_them(self):
        printed = self.queue("migrate", "--print").stdout
        self.assertFalse((self.folder / "tasks.db").exists(), "nothing was changed")
        db = sqlite3.connect(":memory:")
        db.executescript(printed)
        self.assertEqual(db.execute("SELECT version FROM queue_state").fetchone(), (1,))
        self.assertEqual(self.lines("migrate")[0]["schema_version"], 1)
        self.assertEqual(self.lines("stats")[0]["live"], 0)

    def test_doctor_gives_advice(self):
        task = self.enqueue("k", None, "--max-attempts", 1)
        self.assertIn("All is well", self.queue("doctor").stdout)
        self.work("--kind", "k=exit 1")
        self.queue("pause")
        found = self.lines("doctor", code=4)[0]
        self.assertEqual((found["schema_version"], found["expired_leases"]), (1, 0))
        self.assertEqual(len(found["advice"]), 2, found["advice"])
        self.queue("resume")
        self.lines("replay", task)
        self.assertEqual(self.lines("doctor")[0]["advice"], [])

    def test_prune_drops_what_has_ended(self):
        ids = [self.enqueue() for _ in range(3)]
        self.lines("cancel", *ids[:2])
        self.assertEqual(self.lines("prune")[0]["pruned"], 0)
        self.assertEqual(self.lines("prune", "--keep", 1)[0]["pruned"], 1)
        self.assertEqual([t["id"] for t in self.lines("list")], ids[1:])
        self.assertEqual(self.lines("prune", "--keep", 0)[0]["pruned"], 1)
        self.assertEqual([t["id"] for t in self.lines("list")], ids[2:])
        self.queue("show", ids[0], code=4, says="no such task")

    def test_bench_measures_beside_the_store(self):
        self.enqueue()
        found = self.lines("bench", "--tasks", 500, "--durability", "process")[0]
        self.assertEqual((found["tasks"], found["synchronous"]), (500, "NORMAL"))
        self.assertGreater(found["enqueued_per_second"], 0)
        self.assertGreater(found["done_per_second"], 0)
        self.assertEqual(self.lines("stats")[0]["live"], 1, "the store itself was not touched")
        self.assertEqual([p.name for p in self.folder.iterdir() if "bench" in p.name], [])
        self.assertIn("synchronous=FULL", self.queue("bench", "--tasks", 10).stdout)


if __name__ == "__main__":
    unittest.main()
