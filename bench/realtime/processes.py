"""The processes of a run: each is told words by lines, and tells JSON by lines."""
import json
import os
import pathlib
import shutil
import subprocess
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent


class Failed(Exception):
    pass


class Process:
    """One of them. What it says is kept, and can be waited for by a member's name."""

    def __init__(self, command, errors=None):
        self.command = [str(word) for word in command]
        self.said, self.seen, self.news = [], {}, threading.Condition()
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=errors, text=True)
        self.pid = self.process.pid
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            try:
                told = json.loads(line)
            except ValueError:
                told = {"text": line.strip()}
            told.setdefault("heard", time.monotonic())
            with self.news:
                self.said.append(told)
                self.news.notify_all()
        with self.news:
            self.said.append({"ended": True})
            self.news.notify_all()

    def tell(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()

    def wait_for(self, member, limit=60):
        """The next thing said with that member that was not waited for before."""
        deadline = time.monotonic() + limit
        with self.news:
            while True:
                begin = self.seen.get(member, 0)
                for number, told in enumerate(self.said[begin:], begin):
                    if member in told:
                        self.seen[member] = number + 1
                        return told
                if self.said and "ended" in self.said[-1]:
                    raise Failed(f"{self.command[:4]} ended: {self.said[-2:-1]}")
                if time.monotonic() > deadline:
                    raise Failed(f"{self.command[:4]}: no {member} within {limit} s: {self.said[-2:]}")
                self.news.wait(0.2)

    def ask(self, word, member, limit=60):
        self.tell(word)
        return self.wait_for(member, limit)[member]

    def modes(self):
        with self.news:
            return [(told["at"], told["mode"]) for told in self.said if told.get("event") == "mode"]

    def rss_kib(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Cast:
    """Starts processes in their roles: ours by our program, the peers' by Node."""

    def __init__(self, build, work):
        self.work, self.tidewire = work, build / "bin" / "tidewire"
        self.program = build / "bench" / "realtime" / "tidewire_realtime_bench"
        self.peers = build.parent / "bench-realtime"
        self.log = open(work / "errors.log", "w")

    def install(self):
        """npm ci beside the build, unless the same lock file was installed before."""
        self.peers.mkdir(parents=True, exist_ok=True)
        lock, mark = (HERE / "peers" / "package-lock.json").read_text(), self.peers / "installed"
        for source in (HERE / "peers").iterdir():
            shutil.copy(source, self.peers / source.name)
        if not mark.exists() or mark.read_text() != lock:
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=self.peers,
                           check=True, stdout=subprocess.DEVNULL)
            mark.write_text(lock)

    def ours(self, role, **options):
        return Process([self.program, role, *self._words(options)], self.log)

    def node(self, script, role, **options):
        return Process(["node", self.peers / f"{script}.mjs", role, *self._words(options)], self.log)

    @staticmethod
    def _words(options):
        return [word for name, value in options.items() for word in (name, value)]

    def folders(self, name):
        """Fresh ones for a backend: what it keeps, what it serves."""
        data, files = self.work / name / "data", self.work / name / "files"
        shutil.rmtree(self.work / name, ignore_errors=True)
        data.mkdir(parents=True)
        files.mkdir()
        return data, files

    def our_server(self, name="server", **options):
        data, files = self.folders(name)
        server = self.ours("server", data=data, files=files, **options)
        server.port, server.files = server.wait_for("port")["port"], files
        return server

    def peer_server(self, kind, **options):
        server = self.node("server", kind, **options)
        told = server.wait_for("port")
        server.port, server.publish = told["port"], told["publish"]
        return server

    def versions(self):
        def of(package):
            return json.loads((self.peers / "node_modules" / package / "package.json").read_text())["version"]
        known = {name: of(name) for name in ("ws", "socket.io", "partysocket", "@tanstack/query-core")}
        tidewire = subprocess.run([self.tidewire, "--version"], capture_output=True, text=True).stdout
        node = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
        return {"tidewire": tidewire.split()[-1], "node": node.strip().lstrip("v"), **known}


def raise_descriptor_limit():
    import resource
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def load():
    return os.getloadavg()[0]
