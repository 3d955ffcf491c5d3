#!/usr/bin/env python3
"""`tidewire mail send` against npm's smtp-server: what arrives is read by Python's email package; the
dialogue is refused, encrypted and cut at every step.

usage: mail_peer_test.py TIDEWIRE PEERS WORK [unittest arguments]
"""
import email
import email.policy
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import npm_peers
from cutting_proxy import CuttingProxy

TIDEWIRE = os.path.abspath(sys.argv.pop(1))
PEERS, WORK = pathlib.Path(sys.argv.pop(1)), pathlib.Path(sys.argv.pop(1))
SECRET = "a-pass word-that-nobody-may-see"
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("TIDEWIRE_")}


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem",
                    "-out", "cert.pem"], cwd=folder, check=True, capture_output=True)
    return {"key": (folder / "key.pem").read_text(), "cert": (folder / "cert.pem").read_text()}


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidewire-mail-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.kept = self.folder / "kept"
        self.kept.mkdir()

    def serve(self, **options):
        script = str(WORK / "smtp_peer.mjs")
        server = subprocess.Popen(["node", script, str(self.kept), json.dumps(options)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end, server)
        self.port = int(server.stdout.readline())
        return self.port

    @staticmethod
    def end(server):
        server.stdin.close()
        server.wait(timeout=60)
        server.stdout.close()

    def send(self, *words, to=("you@b.example",), sender="me@a.example", port=None, scheme="smtp",
             starttls="none", code=0, environment=(), text=None):
        command = [TIDEWIRE, "mail", "send", "--smtp", f"{scheme}://127.0.0.1:{port or self.port}",
                   "--from", sender, "--starttls", starttls, "--json", *words]
        for address in to:
            command += ["--to", address]
        done = subprocess.run(command, cwd=self.folder, env={**ENVIRONMENT, **dict(environment)},
                              input=text, capture_output=True, timeout=120)
        error = done.stderr.decode()
        self.assertEqual(done.returncode, code, error + done.stdout.decode())
        self.assertNotIn(SECRET, error + done.stdout.decode())
        return [json.loads(line) for line in done.stdout.decode().splitlines()], error

    def mails(self):
        """(message, raw bytes, what the dialogue said) of each, in order of arrival."""
        out = []
        for path in sorted(self.kept.glob("*.json"), key=lambda p: int(p.stem)):
            raw = path.with_suffix(".eml").read_bytes()
            out.append((email.message_from_bytes(raw, policy=email.policy.default), raw,
                        json.loads(path.read_text())))
        return out

    def only_mail(self):
        (mail,) = self.mails()
        return mail


class Mime(Case):
    def setUp(self):
        super().setUp()
        self.serve()

    def check_form(self, message, raw):
        self.assertEqual(message.defects, [])
        for part in message.walk():
            self.assertEqual(part.defects, [])
        self.assertEqual([b for b in raw if b > 127], [])
        self.assertTrue(all(len(line) <= 998 for line in raw.split(b"\r\n")))
        self.assertNotIn(b"\n", raw.replace(b"\r\n", b""))
        self.assertEqual(message["MIME-Version"], "1.0")
        self.assertIsNotNone(message["Date"].datetime)

    def test_plain_text(self):
        text = "one\n.\n..\n.three\n\nFrom here\n" + "x" * 3000 + "\nGrüße, 你好 🌊\n"
        results, _ = self.send("--subject", "hello", "--text-file", "-", text=text.encode())
        self.assertEqual(results[0]["outcome"], "accepted")
        self.assertEqual(results[0]["code"], 250)
        message, raw, about = self.only_mail()
        self.check_form(message, raw)
        self.assertEqual(message.get_content().replace("\r\n", "\n"), text)
        self.assertEqual(message["Subject"], "hello")
        self.assertEqual(about["from"], "me@a.example")
        self.assertEqual(about["to"], ["you@b.example"])
        self.assertEqual(message["Message-ID"], results[0]["message_id"])

    def test_everything_in_all_languages(self):
        subject = "Grüße aus Zürich: 你好, мир! 🌊 " + "sehr lang " * 30
        name = "Müller – Bericht 🌊 (final).pdf"
        blob = random.Random(1).randbytes(1024 * 1024)
        dots = b".\r\n..\r\n\r\n.\r\n" * 100 + b"\x00\xff\r\r\n\n."
        (self.folder / name).write_bytes(blob)
        (self.folder / "dots.txt").write_bytes(dots)
        (self.folder / "empty.bin").write_bytes(b"")
        (self.folder / "page.html").write_text("<p>Grüße 🌊</p>\n<p>.</p>\n")
        self.send("--subject", subject, "--text", "Grüße\n", "--html-file", "page.html", "--attach",
                  name, "--attach", "dots.txt", "--attach", "empty.bin", "--cc",
                  "Zoë Ünal <zoe@c.example>", "--cc", "d@d.example", "--reply-to", "help@a.example",
                  "--header", "X-Note: naïve \t and more", "--header",
                  "List-Unsubscribe: <https://a.example/u?x=1>", "--ehlo", "client.example",
                  to=["\"Lee, Ann\" <ann@b.example>"], sender="Der Lädén, GmbH <shop@a.example>",
                  code=2)  # a tab is a control character
        self.send("--subject", subject, "--text", "Grüße\n", "--html-file", "page.html", "--attach",
                  name, "--attach", "dots.txt", "--attach", "empty.bin", "--cc",
                  "Zoë Ünal <zoe@c.example>", "--cc", "d@d.example", "--reply-to", "help@a.example",
                  "--header", "X-Note: naïve and more", "--header",
                  "List-Unsubscribe: <https://a.example/u?x=1>", "--ehlo", "client.example",
                  to=["\"Lee, Ann\" <ann@b.example>"], sender="Der Lädén, GmbH <shop@a.example>")
        message, raw, about = self.only_mail()
        self.check_form(message, raw)
        self.assertEqual(message["Subject"], subject.rstrip())
        (sender,), (to,) = message["From"].addresses, message["To"].addresses
        self.assertEqual((sender.display_name, sender.addr_spec),
                         ("Der Lädén, GmbH", "shop@a.example"))
        self.assertEqual((to.display_name, to.addr_spec), ("Lee, Ann", "ann@b.example"))
        self.assertEqual([(a.display_name, a.addr_spec) for a in message["Cc"].addresses],
                         [("Zoë Ünal", "zoe@c.example"), ("", "d@d.example")])
        self.assertEqual(message["Reply-To"].addresses[0].addr_spec, "help@a.example")
        self.assertEqual(message["X-Note"], "naïve and more")
        self.assertEqual(message["List-Unsubscribe"], "<https://a.example/u?x=1>")
        self.assertEqual(message.get_content_type(), "multipart/mixed")
        plain, rich = message.get_body(("plain",)), message.get_body(("html",))
        self.assertEqual(plain.get_content(), "Grüße\r\n")
        self.assertEqual(rich.get_content(), "<p>Grüße 🌊</p>\r\n<p>.</p>\r\n")
        parts = list(message.iter_attachments())
        self.assertEqual([p.get_filename() for p in parts], [name, "dots.txt", "empty.bin"])
        self.assertEqual([p.get_payload(decode=True) for p in parts], [blob, dots, b""])
        self.assertEqual([p.get_content_type() for p in parts],
                         ["application/pdf", "text/plain", "application/octet-stream"])
        self.assertEqual(about["to"], ["ann@b.example"])
        self.assertEqual(about["name"], "client.example")

    def test_html_alone_and_an_attachment_alone(self):
        (self.folder / "page.html").write_text("<p>x</p>")
        self.send("--html-file", "page.html")
        message, raw, _ = self.only_mail()
        self.check_form(message, raw)
        self.assertEqual(message.get_content_type(), "text/html")
        self.send("--attach", "page.html")
        message, raw, _ = self.mails()[1]
        self.check_form(message, raw)
        self.assertEqual([p.get_filename() for p in message.iter_attachments()], ["page.html"])

    def test_each_recipient_is_sent_to_on_its_own(self):
        people = [f"p{i}@b.example" for i in range(20)]
        results, _ = self.send("--text", "x", to=people)
        self.assertEqual(sorted(r["to"] for r in results), sorted(people))
        mails = self.mails()
        self.assertEqual(sorted(m["To"] for m, _, _ in mails), sorted(people))
        self.assertEqual(len({m["Message-ID"] for m, _, _ in mails}), 20)
        self.assertLessEqual(len({about["id"] for _, _, about in mails}), 2, "connections are kept")

    def test_an_id_makes_the_message_id(self):
        for _ in range(2):
            self.send("--text", "x", "--id", "invoice-7")
        first, second = [m["Message-ID"] for m, _, _ in self.mails()]
        self.assertEqual(first, second)

    def test_bad_input_sends_nothing_and_says_why(self):
        for words, more, code, says in (
                (["--text", "x"], {"to": ["nobody"]}, 2, "name@domain"),
                (["--text", "x"], {"to": ["a@b.example", "ä@b.example"]}, 2, "ASCII"),
                (["--text", "x"], {"to": ["a@b.example\r\nBcc: x@y.example"]}, 2, "control"),
                (["--text", "x", "--subject", "a\r\nBcc: x@y.example"], {}, 2, "subject"),
                (["--text", "x", "--header", "A"], {}, 2, "Name: value"),
                (["--text", "x", "--header", "Bcc: x@y.example"], {}, 2, "Bcc"),
                (["--text", b"\xff"], {}, 2, "UTF-8"),
                ([], {}, 2, "nothing to send"),
                (["--text-file", "not-there"], {}, 2, "not-there"),
                (["--text", "x", "--username", "me"], {}, 2, "--password-file"),
                (["--text", "x", "--password-file", "p"], {}, 2, "--username"),
                (["--text", "x", "--username", "me", "--password-file", "p"], {}, 2, "can't be read"),
                (["--text", "x"], {"scheme": "http"}, 2, "smtp://"),
                (["--text", "x"], {"scheme": f"smtp://me:{SECRET.replace(' ', '')}@x"}, 2, "don't belong")):
            _, error = self.send(*words, code=code, **more)
            self.assertIn(says, error)
        results, _ = self.send("--text", "x", "--attach", "not-there.pdf", code=8)
        self.assertIn("not-there.pdf", results[0]["text"])
        self.assertEqual(self.mails(), [])


class Answers(Case):
    def setUp(self):
        super().setUp()
        self.serve()

    def test_of_every_command(self):
        for command, phase in (("mail", "mail"), ("rcpt", "rcpt"), ("data", "final_dot")):
            for answer, outcome, code in ((450, "retry", 3), (550, "discard", 4)):
                address = f"{command}-{answer}@b.example"
                more = {"sender": address} if command == "mail" else {"to": [address]}
                (result,), _ = self.send("--text", "x", code=code, **more)
                self.assertEqual((result["outcome"], result["phase"], result["code"]),
                                 (outcome, phase, answer))
        self.assertEqual(self.mails(), [])

    def test_one_refusal_does_not_stop_the_others(self):
        people = ["a@b.example", "rcpt-550@b.example", "c@b.example", "data-451@b.example",
                  "e@b.example"]
        results, _ = self.send("--text", "x", to=people, code=4)
        self.assertEqual({r["to"]: r["outcome"] for r in results},
                         {"a@b.example": "accepted", "rcpt-550@b.example": "discard",
                          "c@b.example": "accepted", "data-451@b.example": "retry",
                          "e@b.example": "accepted"})
        self.assertEqual(sorted(m["To"] for m, _, _ in self.mails()),
                         ["a@b.example", "c@b.example", "e@b.example"])

    def test_too_large_for_the_server_is_known_before_it_is_sent(self):
        (self.folder / "big").write_bytes(bytes(17 * 1024 * 1024))
        (result,), _ = self.send("--attach", "big", code=4)
        self.assertEqual((result["outcome"], result["phase"], result["code"]), ("discard", "mail", 552))

    def test_nobody_there(self):
        proxy = CuttingProxy(self.port, "none", "")
        proxy.close()
        (result,), _ = self.send("--text", "x", port=proxy.port, code=3)
        self.assertEqual((result["outcome"], result["phase"]), ("retry", "connect"))


class Security(Case):
    def setUp(self):
        super().setUp()
        self.certificate = make_certificate(self.folder)
        (self.folder / "password").write_text(SECRET + "\nmore\n")

    def test_starttls(self):
        self.serve(starttls=True, **self.certificate)
        self.send("--text", "x", "--ca-file", "cert.pem", starttls="required")
        self.assertTrue(self.only_mail()[2]["secure"])

    def test_starttls_is_used_where_it_is_offered(self):
        self.serve(starttls=True, **self.certificate)
        self.send("--text", "x", "--ca-file", "cert.pem", starttls="optional")
        self.assertTrue(self.only_mail()[2]["secure"])

    def test_a_server_without_starttls_gets_nothing(self):
        self.serve()
        (result,), _ = self.send("--text", "x", starttls="required", code=4)
        self.assertEqual(result["outcome"], "refused")
        self.assertEqual(self.mails(), [])

    def test_implicit_tls(self):
        self.serve(secure=True, **self.certificate)
        self.send("--text", "x", "--ca-file", "cert.pem", scheme="smtps")
        self.assertTrue(self.only_mail()[2]["secure"])

    def test_a_large_message_over_tls_and_a_kept_connection(self):
        blob = random.Random(2).randbytes(5 * 1024 * 1024)
        (self.folder / "blob").write_bytes(blob)
        self.serve(secure=True, **self.certificate)
        self.send("--attach", "blob", "--ca-file", "cert.pem", scheme="smtps",
                  to=[f"p{i}@b.example" for i in range(5)])
        self.assertEqual(len(self.mails()), 5)
        for message, _, _ in self.mails():
            (part,) = message.iter_attachments()
            self.assertTrue(part.get_payload(decode=True) == blob)

    def test_certificates_of_strangers_are_not_believed(self):
        self.serve(starttls=True, **self.certificate)
        (result,), _ = self.send("--text", "x", starttls="required", code=4)
        self.assertEqual((result["outcome"], result["phase"]), ("refused", "starttls"))
        self.serve(secure=True, **self.certificate)
        (result,), _ = self.send("--text", "x", scheme="smtps", code=4)
        self.assertEqual((result["outcome"], result["phase"]), ("refused", "tls"))
        self.assertEqual(self.mails(), [])

    def test_log_in(self):
        self.serve(starttls=True, user="me", password=SECRET, **self.certificate)
        words = ["--text", "x", "--ca-file", "cert.pem", "--username", "me"]
        self.send(*words, "--password-file", "password", starttls="required")
        self.send(*words, starttls="required", environment={"TIDEWIRE_SMTP_PASSWORD": SECRET})
        self.assertEqual([about["user"] for _, _, about in self.mails()], ["me", "me"])
        (result,), _ = self.send(*words, starttls="required", code=4,
                                 environment={"TIDEWIRE_SMTP_PASSWORD": "wrong"})
        self.assertEqual((result["outcome"], result["phase"], result["code"]), ("refused", "auth", 535))
        (result,), _ = self.send("--text", "x", "--ca-file", "cert.pem", starttls="required", code=4)
        self.assertEqual((result["outcome"], result["code"]), ("refused", 530))


STEPS = [("connect", "before")] + [(step, when) for step in ("EHLO", "AUTH", "MAIL", "RCPT", "DATA")
                                   for when in ("before", "after")]
STEPS += [("body", "before"), ("dot", "before"), ("dot", "after")]


class Cuts(Case):
    """The first connection is cut at each step. A sender that tries again after `retry`, and after
    `unknown` only if its policy says so, loses no message; a copy arrives only where it was unknown."""

    def deliver(self, step, when, resend):
        proxy = CuttingProxy(self.port, step, when)
        self.addCleanup(proxy.close)
        outcomes = []
        for _ in range(2):
            command = [TIDEWIRE, "mail", "send", "--smtp", f"smtp://127.0.0.1:{proxy.port}",
                       "--starttls", "none", "--from", "me@a.example", "--to", "you@b.example",
                       "--id", f"{step}-{when}-{resend}", "--username", "me", "--json",
                       "--attach", "large" if step == "body" else "small"]
            done = subprocess.run(command, cwd=self.folder, capture_output=True, timeout=120,
                                  env={**ENVIRONMENT, "TIDEWIRE_SMTP_PASSWORD": SECRET})
            result = json.loads(done.stdout)
            outcomes.append(result["outcome"])
            if result["outcome"] == "accepted" or (result["outcome"] == "unknown" and not resend):
                break
        self.assertTrue(proxy.cut.wait(20), f"{step} {when} was never cut")
        return outcomes, result["message_id"]

    def test_every_step(self):
        (self.folder / "small").write_bytes(random.Random(3).randbytes(30 * 1024))
        # More than the systems on both sides buffer: what they hold counts as sent.
        (self.folder / "large").write_bytes(random.Random(4).randbytes(13 * 1024 * 1024))
        self.serve(user="me", password=SECRET)
        for step, when in STEPS:
            for resend in (True, False):
                with self.subTest(step=step, when=when, resend=resend):
                    outcomes, name = self.deliver(step, when, resend)
                    copies = sum(m["Message-ID"] == name for m, _, _ in self.mails())
                    if step != "dot":
                        self.assertEqual(outcomes, ["retry", "accepted"])
                        self.assertEqual(copies, 1)
                        continue
                    self.assertEqual(outcomes, ["unknown", "accepted"] if resend else ["unknown"])
                    arrived_at_once = 1 if when == "after" else 0
                    self.assertEqual(copies, arrived_at_once + (1 if resend else 0))


class Bulk(Case):
    def setUp(self):
        super().setUp()
        self.serve()

    def table(self, *rows, name="people.csv"):
        (self.folder / name).write_text("".join(",".join(row) + "\n" for row in rows))

    def command(self, *words, port=None, starttls="none"):
        return [TIDEWIRE, "mail", "bulk", "people.csv", "--smtp",
                f"smtp://127.0.0.1:{port or self.port}", "--starttls", starttls, "--from",
                "me@a.example", "--json", "--retry-delay", "10ms", "--per-domain", "0", *words]

    def bulk(self, *words, code=0, **more):
        done = subprocess.run(self.command(*words, **more), cwd=self.folder, env=ENVIRONMENT,
                              capture_output=True, timeout=180)
        error = done.stderr.decode()
        self.assertEqual(done.returncode, code, error + done.stdout.decode())
        return {r["to"]: r for r in map(json.loads, done.stdout.decode().splitlines())}, error

    def copies(self):
        out = {}
        for m, _, _ in self.mails():
            out[m["Message-ID"]] = out.get(m["Message-ID"], 0) + 1
        return out

    def test_everybody_gets_a_message_of_their_own(self):
        self.table(("to", "name"), ("Ann <ann@b.example>", "Ann & Zoë"), ("bob@b.example", '"Bob, ""B"""'))
        (self.folder / "page.html").write_text("<p>{{name}}</p>")
        results, _ = self.bulk("--subject", "For {{name}}", "--text", "Dear {{name}}\n", "--html-file",
                               "page.html")
        self.assertEqual({r["state"] for r in results.values()}, {"done"})
        mails = {m["To"].addresses[0].addr_spec: m for m, _, _ in self.mails()}
        self.assertEqual(mails["ann@b.example"]["Subject"], "For Ann & Zoë")
        self.assertEqual(mails["ann@b.example"].get_body(("html",)).get_content().strip(),
                         "<p>Ann &amp; Zoë</p>")
        self.assertEqual(mails["bob@b.example"].get_body(("plain",)).get_content().strip(),
                         'Dear Bob, "B"')

    def test_each_has_an_outcome(self):
        self.table(("to",), ("a@b.example",), ("rcpt-550@b.example",), ("data-451@b.example",),
                   ("b@b.example",))
        results, _ = self.bulk("--text", "x", code=4)
        self.assertEqual({to: r["state"] for to, r in results.items()},
                         {"a@b.example": "done", "rcpt-550@b.example": "discarded",
                          "data-451@b.example": "failed", "b@b.example": "done"})
        self.assertIn("451", results["data-451@b.example"]["text"])
        self.assertEqual(len(self.mails()), 2)

    def test_the_same_run_again_sends_nothing_twice(self):
        self.table(("to",), *[(f"p{i}@b.example",) for i in range(50)])
        first, _ = self.bulk("--text", "x", "--store", "mail.db")
        again, _ = self.bulk("--text", "x", "--store", "mail.db")
        self.assertEqual({r["earlier"] for r in first.values()}, {False})
        self.assertEqual({r["earlier"] for r in again.values()}, {True})
        self.assertEqual(len(self.mails()), 50)
        self.bulk("--text", "another", "--store", "mail.db")
        self.assertEqual(len(self.mails()), 100)

    def test_a_bad_table_sends_nothing(self):
        for rows, says in (((("to",), ("nobody",)), "line 2"), ((("name",), ("x",)), '"to"'),
                           ((("to",), ("a@b.example",), ("a@b.example",)), "line 3")):
            self.table(*rows)
            _, error = self.bulk("--text", "x", code=2)
            self.assertIn(says, error)
        self.table(("to",), ("a@b.example",))
        _, error = self.bulk("--text", "Dear {{nmae}}", code=2)
        self.assertIn("nmae", error)
        (self.folder / "broken.db").write_text("no database")
        self.bulk("--text", "x", "--store", "broken.db", code=8)
        self.assertEqual(self.mails(), [])

    def test_a_server_that_does_not_serve_us_stops_the_run_and_loses_nothing(self):
        self.table(("to",), *[(f"p{i}@b.example",) for i in range(5)])
        _, error = self.bulk("--text", "x", "--store", "mail.db", starttls="required", code=4)
        self.assertIn("5 of 5", error)
        self.assertEqual(self.mails(), [])
        self.bulk("--text", "x", "--store", "mail.db")  # with mended settings, and at once
        self.assertEqual(len(self.mails()), 5)

    def test_cut_at_every_step(self):
        for step, when in STEPS:
            if step in ("AUTH", "body"):
                continue
            for policy in ("resend", "park"):
                with self.subTest(step=step, when=when, policy=policy):
                    name = f"{step}-{when}-{policy}"
                    self.table(("to",), *[(f"{name}-{i}@b.example",) for i in range(4)])
                    proxy = CuttingProxy(self.port, step, when)
                    self.addCleanup(proxy.close)
                    parked = step == "dot" and policy == "park"
                    results, _ = self.bulk("--text", "x", "--id", name, "--on-unknown", policy,
                                           code=12 if parked else 0, port=proxy.port)
                    self.assertTrue(proxy.cut.is_set())
                    states = [r["state"] for r in results.values()]
                    self.assertEqual(states.count("unknown"), 1 if parked else 0)
                    self.assertEqual(states.count("done"), 3 if parked else 4)
                    got = [m["To"] for m, _, _ in self.mails() if m["To"].startswith(name)]
                    copies = sorted(got.count(to) for to in results)
                    expected = [1, 1, 1, 1]
                    if step == "dot" and policy == "resend" and when == "after":
                        expected = [1, 1, 1, 2]  # the one that was unknown
                    if step == "dot" and policy == "park" and when == "before":
                        expected = [0, 1, 1, 1]  # the one that is parked
                    self.assertEqual(copies, expected)

    def kill_and_go_on(self, policy, code):
        """A run that is killed in the middle, and the same command again."""
        people = [f"p{i}@b.example" for i in range(300)]
        self.table(("to",), *[(p,) for p in people])
        words = ["--text", "x", "--id", "news", "--store", "mail.db", "--on-unknown", policy]
        running = subprocess.Popen(self.command(*words), cwd=self.folder, env=ENVIRONMENT,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(50):
            running.stdout.readline()
        running.kill()
        running.wait()
        running.stdout.close()
        results, _ = self.bulk(*words, code=code)
        self.assertEqual(sorted(results), sorted(people))
        copies = {p: 0 for p in people}
        for m, _, _ in self.mails():
            copies[m["To"]] += 1
        return results, copies

    def test_a_killed_run_goes_on_and_resends_what_nobody_knows_of(self):
        results, copies = self.kill_and_go_on("resend", 0)
        self.assertEqual({r["state"] for r in results.values()}, {"done"})
        self.assertEqual([p for p, n in copies.items() if n == 0], [])
        # A copy is there only where the killed run had the message, and had not written its end.
        with sqlite3.connect(self.folder / "mail.db") as db:
            rows = db.execute("SELECT metadata, attempt FROM queue_task").fetchall()
        db.close()
        attempts = {json.loads(metadata)["to"]: attempt for metadata, attempt in rows}
        for to, n in copies.items():
            self.assertLessEqual(n, attempts[to], to)
        self.assertGreater(max(attempts.values()), 1, "nothing was under way")

    def test_a_killed_run_goes_on_and_parks_what_nobody_knows_of(self):
        results, copies = self.kill_and_go_on("park", 12)
        parked = [to for to, r in results.items() if r["state"] == "unknown"]
        self.assertGreater(len(parked), 0)
        for to, n in copies.items():
            self.assertIn(n, (0, 1) if to in parked else (1,), to)


npm_peers.install(PEERS, WORK)
unittest.main()
