#!/usr/bin/env python3
"""Drives `tidewire demo` as its page does: commands over HTTP, state by events, real processes behind
it. What is waited for is a state, never a time; the time-outs only end a test that hangs.

usage: demo_api_test.py TIDEWIRE [unittest arguments]
"""
import hashlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

TIDEWIRE = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "tidewire"
LIMIT = 60
MARKUP = "<img src=x onerror=alert(1)>.bin"
TOPICS = ["chat", "clock", "demo", "downloads", "files", "link", "links", "notifications", "server"]


class Events(threading.Thread):
    """One subscriber of /events: the newest state of each topic."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection(host, timeout=LIMIT)
        self.connection.request("GET", "/events")
        self.response = self.connection.getresponse()
        self.changed = threading.Condition()
        self.state, self.seen, self.ended = {}, [], False
        self.start()

    def run(self):
        topic = None
        try:
            for line in self.response:
                line = line.decode().rstrip("\n")
                if line.startswith("event: "):
                    topic = line[7:]
                elif line.startswith("data: "):
                    with self.changed:
                        self.state[topic] = json.loads(line[6:])
                        self.seen.append(topic)
                        self.changed.notify_all()
        except (OSError, http.client.HTTPException):
            pass
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, so, what):
        with self.changed:
            if not self.changed.wait_for(lambda: self.ended or so(self.state), LIMIT) or not so(self.state):
                raise AssertionError(f"not {what}; state: {json.dumps(self.state)[:3000]}")
            return self.state

    def close(self):
        # shutdown() wakes the reader; close() alone would leave it waiting.
        sock = getattr(self.response.fp.raw, "_sock", None) if self.response.fp else None
        if sock:
            sock.shutdown(socket.SHUT_RDWR)
        self.join(LIMIT)
        self.connection.close()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidewire-demo-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)

    def start(self, *words, listen="127.0.0.1:0", data=True):
        command = [TIDEWIRE, "demo", "--listen", listen, *map(str, words)]
        if data:
            command += ["--data", str(self.folder / "data")]
        environment = {**os.environ, "TMPDIR": str(self.folder)}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=environment)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        return process

    def begin(self, **more):
        self.process = self.start(**more)
        line = self.process.stdout.readline()
        self.assertTrue(line.startswith("console on http://127.0.0.1:"), line)
        self.host = line.split("//")[1].strip()
        self.events = self.listen()
        self.events.wait(lambda s: len(s) == len(TOPICS), "told every topic")
        self.addCleanup(self.events.close)
        self.post("/demo/link", {"latency_ms": 1, "jitter_ms": 0, "bytes_per_second": 0})
        self.events.wait(lambda s: s["link"]["latency_ms"] == 1, "told of the link")

    def listen(self):
        return Events(self.host)

    def request(self, method, path, body=None, headers=()):
        connection = http.client.HTTPConnection(self.host, timeout=LIMIT)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def post(self, path, body=None, code=204, says="", headers=()):
        data = body if isinstance(body, (str, bytes)) else json.dumps(body or {})
        status, fields, text = self.request("POST", path, data, headers)
        self.assertEqual(status, code, text)
        if code >= 400:
            self.assertEqual(fields["Content-Type"], "application/problem+json")
            problem = json.loads(text)
            self.assertEqual(problem["status"], code)
            self.assertIn(says, problem.get("detail", "") + problem["title"])
        return json.loads(text) if text else None

    def download(self, file, connections=4):
        return self.post("/demo/downloads", {"file": file, "connections": connections}, 201)["id"]

    def of(self, id):
        return next((d for d in self.events.state["downloads"] if d["id"] == id), None)

    def until(self, id, so, what):
        self.events.wait(lambda s: any(d["id"] == id and so(d) for d in s.get("downloads", ())),
                         f"{id} {what}")
        return self.of(id)

    def until_state(self, id, state):
        return self.until(id, lambda d: d["state"] == state, state)

    def until_moved(self, id, share=0.05):
        return self.until(id, lambda d: d["total_bytes"] and
                          d["downloaded_bytes"] > share * d["total_bytes"], "moving")

    # Of each of the four connections: the 16 MiB last eight seconds.
    def slow(self, rate=512 * 1024):
        self.post("/demo/link", {"bytes_per_second": rate})

    def fast(self):
        self.post("/demo/link", {"bytes_per_second": 0})

    def assert_right(self, id):
        d = self.until_state(id, "done")
        offered = next(f for f in self.events.state["files"] if f["name"] == d["name"])
        self.assertEqual(d["result"]["outcome"], "ok")
        self.assertEqual(d["result"]["sha256"], offered["sha256"])
        self.assertEqual(d["phase"], "complete")
        self.assertEqual(d["percentage"], 100)
        self.assertEqual(d["held"], [[0, offered["bytes"]]])
        saved = self.folder / "data" / "downloads" / id / d["name"]
        self.assertEqual(hashlib.sha256(saved.read_bytes()).hexdigest(), offered["sha256"])
        return d

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.assertEqual(self.process.wait(LIMIT), 0)


def children_of(pid):
    """Running processes whose parent is `pid`."""
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Downloads(Case):
    def setUp(self):
        self.begin()

    def tearDown(self):
        self.end()

    def test_a_file_arrives_with_its_digest(self):
        d = self.assert_right(self.download("tide-16.bin"))
        self.assertEqual(d["expected_sha256"], d["result"]["sha256"])
        self.assertTrue(d["source"].startswith("http://127.0.0.1:"))
        self.assertGreaterEqual(d["requests"], 1)

    def test_a_name_that_is_markup_is_only_a_name(self):
        self.assertIn(MARKUP, [f["name"] for f in self.events.state["files"]])
        d = self.assert_right(self.download(MARKUP))
        self.assertEqual(d["name"], MARKUP)

    def test_cut_and_stall_and_go_on(self):
        self.slow()
        id = self.download("tide-16.bin")
        self.until_moved(id)
        self.post("/demo/link/cut")
        d = self.until(id, lambda d: d["retries"] > 0, "trying again")
        self.assertIn("retry", [e["kind"] for e in d["events"]])
        self.assertGreater(self.events.wait(lambda s: s["link"]["counters"]["reset"] > 0,
                                            "counted")["link"]["counters"]["reset"], 0)
        self.until(id, lambda now: now["downloaded_bytes"] > d["downloaded_bytes"], "going on")
        self.post("/demo/link/stall", {"seconds": 600})
        self.events.wait(lambda s: s["link"]["stalled_ms"] > 500_000, "stalled")
        self.until(id, lambda d: d["state"] == "running" and d["bytes_per_second"] == 0, "standing still")
        self.post("/demo/link/stall", {"seconds": 1})
        self.events.wait(lambda s: s["link"]["stalled_ms"] == 0, "over")
        self.fast()
        self.assert_right(id)

    def test_the_server_goes_and_comes_back_on_its_port(self):
        # More than the systems between client and server can hold for a connection: that would
        # still arrive from a server that is gone.
        self.slow(4 * 1024 * 1024)
        before = self.events.state["server"]["address"]
        id = self.download("tide-64.bin")
        self.until_moved(id)
        self.post("/demo/server/restart", {"down_ms": 60_000})
        self.events.wait(lambda s: s["server"]["state"] == "down", "down")
        self.until(id, lambda d: d["retries"] > 0, "trying again")
        self.post("/demo/server/restart", {"down_ms": 0})
        state = self.events.wait(lambda s: s["server"]["state"] == "running", "up again")
        self.assertEqual(state["server"]["restarts"], 1)
        self.assertEqual(state["server"]["address"], before)
        self.fast()
        d = self.assert_right(id)
        self.assertEqual(d["generation"], 1, "it is the same file: nothing may begin anew")

    def test_kill_and_resume(self):
        self.slow()
        id = self.download("tide-16.bin")
        self.until(id, lambda d: d["journal"] and d["journal"]["held_bytes"] > 1024 * 1024, "in the journal")
        self.post(f"/demo/downloads/{id}/kill")
        d = self.until_state(id, "killed")
        self.assertEqual(d["kills"], 1)
        self.assertIsNone(d["result"])
        self.assertEqual(d["segments"], [])
        self.post(f"/demo/downloads/{id}/kill", code=409, says="not run")
        self.post(f"/demo/downloads/{id}/pause", code=409, says="not run")
        self.fast()
        self.post(f"/demo/downloads/{id}/resume")
        d = self.assert_right(id)
        self.assertGreater(d["resumed_bytes"], 1024 * 1024)
        self.assertEqual([e["kind"] for e in d["events"] if e["kind"] in ("killed", "resumed")],
                         ["killed", "resumed"])
        self.assertEqual([e["seq"] for e in d["events"]], sorted(e["seq"] for e in d["events"]))
        self.post(f"/demo/downloads/{id}/resume", code=409, says="done")

    def test_pause_and_resume(self):
        self.slow()
        id = self.download("tide-16.bin")
        self.until_moved(id)
        self.post(f"/demo/downloads/{id}/pause")
        d = self.until_state(id, "paused")
        self.assertIsNone(d["phase"])
        self.post(f"/demo/downloads/{id}/resume")
        self.until(id, lambda d: d["resumed_bytes"] > 0, "resumed")
        self.post(f"/demo/downloads/{id}/resume", code=409, says="runs already")
        self.fast()
        self.assert_right(id)

    def test_a_pause_at_once_is_a_pause(self):
        for _ in range(5):
            id = self.download("tide-64.bin")
            self.post(f"/demo/downloads/{id}/pause")
            self.until(id, lambda d: d["state"] in ("paused", "done"), "paused")
            self.post(f"/demo/downloads/{id}/remove")

    def test_remove_leaves_nothing(self):
        self.slow(200_000)
        id = self.download("tide-64.bin")
        self.until(id, lambda d: d["downloaded_bytes"] > 0, "moving")
        folder = self.folder / "data" / "downloads" / id
        self.assertTrue(folder.exists())
        self.post(f"/demo/downloads/{id}/remove")
        self.events.wait(lambda s: all(d["id"] != id for d in s["downloads"]), "gone")
        deadline = time.monotonic() + LIMIT
        while folder.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertFalse(folder.exists())
        for verb in ("pause", "kill", "resume", "remove"):
            self.post(f"/demo/downloads/{id}/{verb}", code=404, says=id)

    def test_there_are_eight_at_most(self):
        self.slow(100_000)
        ids = [self.download("tide-256.bin", 1) for _ in range(8)]
        self.post("/demo/downloads", {"file": "tide-16.bin"}, 409, "remove one")
        self.events.wait(lambda s: [d["id"] for d in s["downloads"]] == ids[::-1], "newest first")
        self.post(f"/demo/downloads/{ids[0]}/remove")
        self.download("tide-16.bin")

    def test_a_url_is_downloaded_and_its_secrets_are_not_shown(self):
        address = self.events.state["server"]["address"]
        url = address.replace("//", "//user:canary@") + "/files/tide-16.bin?canary"
        id = self.post("/demo/downloads", {"url": url}, 201)["id"]
        d = self.until_state(id, "done")
        self.assertEqual(d["name"], "tide-16.bin")
        self.assertIsNone(d["expected_sha256"])
        self.assertNotIn("canary", json.dumps(self.events.state))
        id = self.post("/demo/downloads", {"url": address + "/files/nothing"}, 201)["id"]
        d = self.until_state(id, "failed")
        self.assertEqual(d["result"]["outcome"], "refused")
        self.assertEqual(d["result"]["exit_code"], 4)


class Commands(Case):
    def setUp(self):
        self.begin()

    def test_bad_commands_change_nothing(self):
        before = self.events.state["link"]
        for path, body, code in (
                ("/demo/link", "{", 400), ("/demo/link", "[]", 400), ("/demo/link", "\xff", 400),
                ("/demo/link", "[" * 100, 400), ("/demo/link", '{"offline":true', 400), ("/demo/link", {"latency_ms": 5001}, 422),
                ("/demo/link", {"speed": 1}, 422), ("/demo/link/stall", {}, 422),
                ("/demo/link/stall", {"seconds": 0}, 422), ("/demo/link/stall", {"seconds": 601}, 422),
                ("/demo/server/restart", {"down_ms": 60_001}, 422), ("/demo/server/restart", {}, 422),
                ("/demo/downloads", {"file": "nothing.bin"}, 404),
                ("/demo/downloads", {"file": "../data/demo.lock"}, 404), ("/demo/downloads", {}, 422),
                ("/demo/downloads", {"url": "file:///etc/passwd"}, 422),
                ("/demo/downloads", {"file": "tide-16.bin", "connections": 17}, 422),
                ("/demo/downloads/d999/kill", {}, 404), ("/demo/downloads/d1/explode", {}, 404),
                ("/demo/downloads/d1", {}, 404), ("/demo/nothing", {}, 404),
                ("/demo/links/c", {"offline": True}, 404), ("/demo/links/a/burn", {}, 404), ("/demo/links/", {}, 404),
                ("/demo/links/a", {"block_websocket": 1}, 422),
                ("/demo/links/a", {"block_websocket": True, "latency_ms": -1}, 422),
                ("/demo/links/a", {"refuse": True}, 422), ("/demo/links/page/stall", {"seconds": 0}, 422),
                ("/demo/links/b/half-open", {}, 422), ("/demo/links/b/half-open", {"seconds": "8"}, 422),
                ("/demo/server/kill", {}, 422), ("/demo/server/kill", {"down_ms": -1}, 422),
                ("/demo/chat/page/send", {"text": "x"}, 404), ("/demo/chat/a/shout", {"text": "x"}, 404),
                ("/demo/chat/a", {"text": "x"}, 404), ("/demo/chat/a/send", {}, 422),
                ("/demo/chat/a/send", {"text": " \n"}, 422), ("/demo/chat/a/send", {"text": 7}, 422),
                ("/demo/chat/a/send", {"text": "x" * 2001}, 422), ("/demo/chat/a/send", '{"text":"\xff"}', 400),
                ("/demo/chat/b/burst", {"messages": 0}, 422), ("/demo/chat/b/burst", {"messages": 1001}, 422),
                ("/demo/chat/b/burst", {"messages": 1.5}, 422),
                ("/demo/notifications", {}, 422), ("/demo/notifications", {"text": ""}, 422),
                ("/demo/notifications", {"text": "x" * 501}, 422), ("/demo/notifications", {"text": ["x"]}, 422),
                ("/demo/link", json.dumps({"x": "a" * 20_000}), 413),
                ("/demo/link", "x" * 70_000, 413)):
            body = body.encode("latin-1") if isinstance(body, str) else body
            self.post(path, body, code)
        self.assertEqual(self.request("GET", "/demo/link")[0], 405)
        self.assertEqual(self.request("DELETE", "/events")[0], 405)
        after = self.listen()
        state = after.wait(lambda s: len(s) == len(TOPICS), "told")
        after.close()
        self.assertEqual(state["link"], before)
        self.assertEqual(state["downloads"], [])
        self.assertEqual(state["server"]["restarts"], 0)
        self.assertEqual(state["chat"]["log"]["head"], 0)
        self.assertEqual([c["messages"] for c in state["chat"]["clients"]], [[], []])
        self.assertEqual(state["notifications"]["recent"], [])
        for link in state["links"].values():
            self.assertEqual((link["block_websocket"], link["latency_ms"], link["marks"]), (False, 20, []))

    def test_pages_of_others_may_not_command(self):
        port = self.host.split(":")[1]
        for origin in ("http://evil.example", "null", f"http://127.0.0.1:{int(port) + 1}",
                       f"http://{self.host}.evil.example", f"https://{self.host}"):
            self.post("/demo/link/cut", code=403, headers={"Origin": origin})
        self.post("/demo/link/cut", headers={"Origin": f"http://{self.host}"})
        self.post("/demo/link/cut", headers={"Origin": f"http://localhost:{port}"})
        status, _, _ = self.request("GET", "/events", headers={"Host": "rebound.example"})
        self.assertEqual(status, 421)

    def test_the_page_and_its_files(self):
        status, fields, body = self.request("GET", "/")
        self.assertEqual(status, 200)
        policy = fields["Content-Security-Policy"]
        self.assertTrue(policy.startswith("default-src 'none'"))
        self.assertNotIn("unsafe", policy)
        self.assertEqual(fields["X-Content-Type-Options"], "nosniff")
        self.assertEqual(fields["Referrer-Policy"], "no-referrer")
        if "html" not in fields["Content-Type"]:
            self.assertIn(b"TIDEWIRE_CONSOLE", body)
            return
        again, _, empty = self.request("GET", "/", headers={"If-None-Match": fields["ETag"]})
        self.assertEqual((again, empty), (304, b""))
        scripts = [w.split('"')[1] for w in body.decode().split() if w.startswith('src="/')]
        self.assertTrue(scripts)
        for script in scripts:
            status, fields, _ = self.request("GET", script)
            self.assertEqual(status, 200)
            self.assertTrue(fields["Content-Type"].startswith("text/javascript"))
            self.assertIn("immutable", fields["Cache-Control"])
        self.assertEqual(self.request("GET", "/assets/none.js")[0], 404)

    def test_events_come_to_many_and_begin_anew(self):
        others = [self.listen() for _ in range(20)]
        for other in others:
            other.wait(lambda s: len(s) == len(TOPICS), "told everything")
        instance = others[0].state["demo"]["instance"]
        others[0].close()
        again = self.listen()
        state = again.wait(lambda s: len(s) == len(TOPICS), "told everything again")
        self.assertEqual(state["demo"]["instance"], instance)
        self.assertEqual(sorted(again.seen[:len(TOPICS)]), TOPICS)
        self.post("/demo/link", {"latency_ms": 123})
        for other in [*others[1:], again]:
            other.wait(lambda s: s["link"]["latency_ms"] == 123, "told of the change")
            other.close()


class FreshCase(Case):
    """Each test with a folder, and so a log, of its own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.begin()


class Chat(FreshCase):
    def setUp(self):
        super().setUp()
        self.connected()

    def client(self, id, state=None):
        return next(c for c in (state or self.events.state)["chat"]["clients"] if c["id"] == id)

    def until_client(self, id, so, what):
        self.events.wait(lambda s: so(self.client(id, s)), f"{id} {what}")
        return self.client(id)

    def connected(self, mode="websocket"):
        for id in "ab":
            self.until_client(id, lambda c: c["mode"] == mode, mode)

    def said(self, head):
        """Both were given the whole log, and it is the server's."""
        for id in "ab":
            c = self.until_client(id, lambda c: c["figures"]["compared"] >= head, f"has {head}")
            figures = c["figures"]
            wrong = [figures[n] for n in ("lost", "duplicated", "out_of_order", "different")]
            self.assertEqual((figures["received"], wrong), (head, [0] * 4), c)
            self.assertEqual(c["offset"], head)
        self.assertEqual(self.events.state["chat"]["log"]["head"], head)

    def burst_while(self, broken):
        self.post("/demo/chat/a/burst", {"messages": 100})
        self.until_client("b", lambda c: c["offset"] >= 5, "has the first ones")
        broken()
        self.said(100)
        self.until_client("a", lambda c: c["unanswered"] == 0 and c["burst_left"] == 0, "is answered")

    def test_what_one_says_both_have(self):
        self.post("/demo/chat/a/send", {"text": MARKUP})
        self.post("/demo/chat/b/send", {"text": "\u00fcber"})
        self.said(2)
        for id in "ab":
            c = self.until_client(id, lambda c: all(m["offset"] for m in c["messages"]), "knows the offsets")
            self.assertEqual(sorted((m["user"], m["text"], m["state"]) for m in c["messages"]),
                             [("A", MARKUP, "confirmed"), ("B", "\u00fcber", "confirmed")])
            self.assertEqual(sorted(m["offset"] for m in c["messages"]), [1, 2])

    def test_one_burst_at_a_time(self):
        self.post("/demo/chat/a/burst", {"messages": 20})
        self.post("/demo/chat/a/burst", {"messages": 20}, 409, "wait for its end")
        self.said(20)

    def test_cut_sockets(self):
        self.burst_while(lambda: [self.post(f"/demo/links/{id}/cut") for id in "ab"])
        self.connected()
        bars = [b["state"] for b in self.client("b")["bars"]]
        self.assertIn("filling", bars)
        self.assertEqual([m["kind"] for m in self.events.state["links"]["b"]["marks"]], ["cut"])
        self.assertEqual(self.events.state["links"]["page"]["marks"], [])

    def test_websocket_blocked_and_back(self):
        def block():
            for id in "ab":
                self.post(f"/demo/links/{id}", {"block_websocket": True})
            self.connected("polling")
        self.burst_while(block)
        self.assertTrue(self.events.state["links"]["a"]["block_websocket"])
        for id in "ab":
            self.post(f"/demo/links/{id}", {"block_websocket": False})
        self.connected()
        self.post("/demo/chat/b/send", {"text": "back"})
        self.said(101)

    def test_half_open_sockets(self):
        def half_open():
            self.post("/demo/links/b/half-open", {"seconds": 6})
            self.until_client("b", lambda c: c["mode"] != "websocket", "has noticed")
        self.burst_while(half_open)
        self.connected()
        self.assertEqual(self.events.wait(lambda s: s["links"]["b"]["half_open_ms"] == 0, "healed")
                         ["links"]["b"]["marks"][0]["kind"], "half-open")

    def test_the_server_restarted_and_killed(self):
        self.burst_while(lambda: self.post("/demo/server/restart", {"down_ms": 500}))
        self.connected()
        self.post("/demo/server/kill", {"down_ms": 500})
        self.post("/demo/chat/b/send", {"text": "said while it was down"})
        self.said(101)
        self.connected()
        self.assertEqual(self.events.state["server"]["restarts"], 2)
        self.assertEqual(sum(b["state"] == "down" for b in self.events.state["chat"]["server"]["bars"]), 2)
        for link in self.events.state["links"].values():
            self.assertEqual([m["kind"] for m in link["marks"]], ["killed"])

    def fault(self, draw, id):
        path, body = draw.choice((
            (f"links/{id}/cut", {}), (f"links/{id}/half-open", {"seconds": draw.randint(1, 5)}),
            (f"links/{id}/stall", {"seconds": draw.randint(1, 4)}),
            (f"links/{id}", {"block_websocket": draw.random() < 0.5}), (f"links/{id}", {"offline": draw.random() < 0.4}),
            (f"links/{id}", {"latency_ms": draw.choice((0, 300)), "loss_percent": draw.choice((0, 20))}),
            ("server/restart", {"down_ms": draw.randint(0, 1500)}), ("server/kill", {"down_ms": draw.randint(0, 1500)})))
        self.post("/demo/" + path, body)

    def test_a_storm_of_all_faults(self):
        seed = int.from_bytes(os.urandom(4))
        draw, sent = random.Random(seed), 0
        with self.subTest(seed=seed):
            for _ in range(20):
                for id in "ab":
                    # Refused while the last one goes on.
                    status = self.request("POST", f"/demo/chat/{id}/burst", '{"messages":30}')[0]
                    self.assertIn(status, (204, 409))
                    sent += 30 if status == 204 else 0
                self.fault(draw, draw.choice("ab"))
                now = self.events.state["clock"]["ms"]
                self.events.wait(lambda s: s["clock"]["ms"] > now, "a second later")
            for id in "ab":
                self.post(f"/demo/links/{id}", {"offline": False, "block_websocket": False, "latency_ms": 1, "loss_percent": 0})
            for id in "ab":
                self.until_client(id, lambda c: c["unanswered"] == 0 and c["burst_left"] == 0, "is answered")
            self.said(sent)
            self.connected()

    def test_another_demo_with_the_same_data_goes_on(self):
        self.post("/demo/chat/a/burst", {"messages": 10})
        self.said(10)
        epoch = self.client("a")["epoch"]
        self.end()
        self.begin()
        self.connected()
        self.until_client("b", lambda c: c["offset"] == 10, "is where it was")
        self.post("/demo/chat/b/send", {"text": "again"})
        c = self.until_client("a", lambda c: c["figures"]["compared"] == 1, "has the new one")
        self.assertEqual((c["figures"]["received"], c["figures"]["lost"], c["offset"], c["epoch"]), (1, 0, 11, epoch))

    def hub(self, path, origin, method="GET", headers=()):
        host = self.events.state["chat"]["page"]["http"].split("//")[1]
        connection = http.client.HTTPConnection(host, timeout=LIMIT)
        self.addCleanup(connection.close)
        connection.request(method, path, headers={"Origin": origin, **dict(headers)})
        response = connection.getresponse()
        return response.status, dict(response.getheaders())

    def test_the_hub_takes_the_page_and_no_other(self):
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        port = int(self.host.split(":")[1])
        for origin in (f"http://{self.host}", f"http://localhost:{port}"):
            self.assertEqual(self.hub("/realtime/page", origin, headers=upgrade)[0], 101)
            status, fields = self.hub("/messages?ch=chat", origin)
            self.assertEqual((status, fields.get("Access-Control-Allow-Origin")), (200, origin))
        for origin in ("http://evil.example", "null", f"http://127.0.0.1:{port + 1}", f"https://{self.host}",
                       f"http://{self.host}.evil.example"):
            self.assertEqual(self.hub("/realtime/page", origin, headers=upgrade)[0], 403)
            self.assertNotIn("Access-Control-Allow-Origin", self.hub("/messages?ch=chat", origin)[1])
        page = self.request("GET", "/")[1]["Content-Security-Policy"]
        where = self.events.state["chat"]["page"]
        self.assertTrue(page.endswith("connect-src 'self' ws" + where["websocket"][4:] + " " + where["http"]), page)


class Notifications(FreshCase):
    def until(self, so, what):
        return self.events.wait(lambda s: so(s["notifications"]), what)["notifications"]

    def test_they_arrive_newest_first_and_once(self):
        for text in ("one", MARKUP):
            self.post("/demo/notifications", {"text": text})
        self.post("/demo/notifications/poll")
        n = self.until(lambda n: n["received"] == 2, "arrived")
        self.assertEqual([r["message"] for r in n["recent"]], [MARKUP, "one"])
        n = self.until(lambda n: n["not_modified"] >= 2, "unchanged")
        self.assertEqual((n["received"], n["failed"], n["errors"]), (2, 0, 0))
        self.assertEqual(sum(p["status"] == 304 for p in n["history"]), n["not_modified"])

    def test_failures_are_told_and_recovered_from(self):
        self.until(lambda n: n["polls"] > 0, "asked")
        self.post("/demo/server/restart", {"down_ms": 60_000})
        n = self.until(lambda n: n["errors"] >= 2, "failed")
        self.assertNotEqual(n["last_error"], "")
        self.post("/demo/notifications", {"text": "later"}, 503, "publish it again")
        self.post("/demo/server/restart", {"down_ms": 0})
        self.events.wait(lambda s: s["server"]["state"] == "running", "back")
        self.post("/demo/notifications", {"text": "later"})
        n = self.until(lambda n: n["received"] == 1 and n["errors"] == 0, "recovered")
        self.assertEqual([r["message"] for r in n["recent"]], ["later"])


class Life(Case):
    def test_a_signal_ends_everything_with_0_and_tidies_up(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.begin(data=False)
            self.slow(100_000)
            ids = [self.download("tide-256.bin", 2) for _ in range(3)]
            for id in ids:
                self.until(id, lambda d: d["downloaded_bytes"] > 0, "moving")
            children = children_of(self.process.pid)
            self.assertEqual(len(children), 3)
            self.end(number)
            self.assertEqual([c for c in children if alive(c)], [])
            self.assertEqual(list(self.folder.glob("tidewire-demo-*")), [])
            self.events.wait(lambda s: self.events.ended, "ended")

    def test_no_child_outlives_a_demo_that_is_killed(self):
        self.begin()
        self.slow(100_000)
        id = self.download("tide-256.bin", 2)
        self.until(id, lambda d: d["downloaded_bytes"] > 0, "moving")
        children = children_of(self.process.pid)
        self.assertEqual(len(children), 1)
        self.process.kill()
        self.process.wait(LIMIT)
        deadline = time.monotonic() + LIMIT
        while any(map(alive, children)) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual([c for c in children if alive(c)], [])
        # The folder is free again, and what was kept in it is left alone.
        self.begin()
        self.assertTrue((self.folder / "data" / "downloads" / id).exists())
        self.assertNotEqual(self.download("tide-16.bin"), id)
        self.end()

    def refused(self, process, code, says):
        out, error = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, code, error)
        self.assertTrue(error.startswith("tidewire demo: "), error)
        self.assertIn(says, error)
        self.assertEqual(out, "")

    def test_what_stands_in_the_way_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.refused(self.start(listen=f"127.0.0.1:{port}"), 3, str(port))
        self.refused(self.start(listen="0.0.0.0:0"), 2, "loopback")
        self.refused(self.start(listen="nonsense"), 2, "nonsense")
        self.refused(self.start("--data", self.folder / "a" / "b", data=False), 8, "--data")
        file = self.folder / "file"
        file.write_text("")
        self.refused(self.start("--data", file, data=False), 8, "--data")
        self.assertEqual(file.read_text(), "")
        self.begin()
        self.refused(self.start(), 9, "another demo")
        self.end()


if __name__ == "__main__":
    unittest.main()
