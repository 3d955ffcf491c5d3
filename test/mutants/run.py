#!/usr/bin/env python3
"""Plants known bugs, one at a time, into a copy of the sources and shows that the suite finds each.

A mutant is a text replacement in one file (mutants.py). For each: apply, build, run its suites; the
mutant is found when one of them fails. A mutant that survives, no longer applies or does not compile
fails this program.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import time

from mutants import MUTANTS, suites_of

ROOT = pathlib.Path(__file__).resolve().parents[2]


def sh(command, cwd, timeout):
    return subprocess.run(command, cwd=cwd, timeout=timeout, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def copy_sources(folder):
    listing = sh(["git", "ls-files", "-co", "--exclude-standard"], ROOT, 60).stdout
    for name in listing.splitlines():
        source, target = ROOT / name, folder / name
        if not source.is_file():
            continue
        if target.is_file() and target.read_bytes() == source.read_bytes():
            continue  # keep the time stamp: nothing to rebuild
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)  # with a new time: what was built from a mutant is built again


def build(folder, suites):
    return sh(["ninja", "-C", "build/dev", *suites], folder, 1800)


def first_failure(folder, suites):
    for suite in suites:
        paths = list((folder / "build/dev").rglob(suite))
        binary = next(p for p in paths if p.is_file() and os.access(p, os.X_OK))
        try:
            run = sh([str(binary), "--gtest_brief=1"], folder, 600)
        except subprocess.TimeoutExpired:
            return suite, "hangs"
        if run.returncode != 0:
            lines = [l for l in run.stdout.splitlines() if l.startswith("[  FAILED  ]")]
            return suite, lines[0][13:] if lines else f"exit code {run.returncode}"
    return None


def try_mutant(folder, mutant):
    path = folder / mutant["file"]
    original = planted = path.read_text()
    for find, replace in [(mutant["find"], mutant["replace"]), *mutant.get("also", [])]:
        if planted.count(find) != 1:
            return False, "no longer applies: the text to replace is not there exactly once"
        planted = planted.replace(find, replace)
    suites = suites_of(mutant)
    try:
        path.write_text(planted)
        if build(folder, suites).returncode != 0:
            return False, "does not compile"
        found = first_failure(folder, suites)
        return (True, f"found by {found[0]}: {found[1]}") if found else (False, "SURVIVES")
    finally:
        path.write_text(original)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default=str(ROOT / "build/mutants"), help="where to build")
    parser.add_argument("--only", help="a mutant's name, or how some names begin: poll-")
    options = parser.parse_args()
    folder = pathlib.Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    copy_sources(folder)
    configured = sh(["cmake", "--preset", "dev", "-DTIDEWIRE_APPS=OFF", "-DTIDEWIRE_EXAMPLES=OFF"],
                    folder, 300)
    chosen = [m for m in MUTANTS if m["name"].startswith(options.only or "")]
    suites = list(dict.fromkeys(s for m in chosen for s in suites_of(m)))
    if configured.returncode != 0 or build(folder, suites).returncode != 0:
        sys.exit("the sources do not build without a mutant:\n" + configured.stdout)
    if failure := first_failure(folder, suites):
        sys.exit(f"the suite fails without a mutant: {failure}")
    survivors = 0
    for mutant in chosen:
        start = time.monotonic()
        found, how = try_mutant(folder, mutant)
        survivors += not found
        print(f"{'ok  ' if found else 'FAIL'} {mutant['name']}: {mutant['why']}\n"
              f"     {how} ({time.monotonic() - start:.0f} s)", flush=True)
    print(f"{len(chosen) - survivors} passed, {survivors} failed")
    sys.exit(1 if survivors or not chosen else 0)


if __name__ == "__main__":
    main()
