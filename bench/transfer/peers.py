"""The programs that tidewire is compared with: how each is called, and in which version it is here.

Each gets the options that were fastest for it in trials, proxies and configuration files switched
off, and nothing printed."""
import re
import shutil
import subprocess
import urllib.parse

VERSIONS = {"curl": "curl --version", "aria2c": "aria2c --version", "axel": "axel --version",
            "wget2": "wget2 --version", "rclone": "rclone version", "nginx": "nginx -v"}


def installed(name):
    return shutil.which(name) is not None


def version(command):
    done = subprocess.run(command.split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return re.search(r"\d+(\.\d+)+[-\w.]*", done.stdout)[0]


def versions(tidewire):
    known = {"tidewire": version(f"{tidewire} --version")}
    for name, command in VERSIONS.items():
        known[name] = version(command) if installed(name) else "not installed"
    return known


def curl(url, out, *more):
    return ["curl", "-q", "-sS", "-f", *more, "-o", out, url]


def aria2(url, out, connections, *more):
    n = connections
    return ["aria2c", "--no-conf", "-q", f"-x{n}", f"-s{n}", "-k1M", "--file-allocation=none", *more,
            "-o", out, url]


def axel(url, out, connections, *more):
    return ["axel", "-q", f"-n{connections}", *more, "-o", out, url]


def wget2(url, out, *more):
    return ["wget2", "-q", "--no-config", *more, "-O", out, url]


def rclone(url, out, streams, *more):
    """Its command for one URL, `copyurl`, has one stream only; several need its http backend."""
    parts = urllib.parse.urlsplit(url)
    return ["rclone", "--config=", "copyto", "--http-url", f"{parts.scheme}://{parts.netloc}/",
            f":http:{parts.path.lstrip('/')}", out, "--multi-thread-cutoff", "1M",
            "--multi-thread-streams", str(streams), *more]


def tidewire(program, url, out, *more):
    return [program, "get", "-q", *more, "-o", out, url]
