"""Installs the npm packages that tests have as peers, from the lock file in test/peers, into a folder
of the build."""
import fcntl
import shutil
import subprocess

LIMIT = 120  # seconds


def install(peers, work):
    """npm ci, unless the same lock file was installed before. Several tests may call this at once."""
    work.mkdir(parents=True, exist_ok=True)
    with open(work / "lock", "w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        lock = (peers / "package-lock.json").read_text()
        seen = work / "installed"
        for source in peers.iterdir():
            if source.suffix in (".json", ".mjs"):
                shutil.copy(source, work / source.name)
        if seen.exists() and seen.read_text() == lock:
            return
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=work,
                       check=True, timeout=LIMIT, stdout=subprocess.DEVNULL)
        seen.write_text(lock)
