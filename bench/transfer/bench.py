#!/usr/bin/env python3
"""Compares `tidewire get` with other downloaders, whole processes on loopback and tmpfs.

Durability: no peer syncs; tidewire does by default, which tmpfs makes free, and has rows without.
Nobody computes a digest. Every run's output is compared with the original byte by byte."""
import argparse
import os
import pathlib
import shutil
import sys
import tempfile

import peers
import report
from rows import ROWS, Bench

ROOM = (2 * 1024 + 256) << 20
DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tidewire", required=True)
    parser.add_argument("--quick", action="store_true", help="fewer peers, smaller files, 5 rounds")
    parser.add_argument("--row", action="append", choices=list(ROWS), help="only this one")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/benchmarks.md")
    options = parser.parse_args()
    if options.write and (options.quick or options.row):
        parser.error("--write wants all rows, and not a quick run")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        work = pathlib.Path(folder)
        if shutil.disk_usage(work).free < ROOM:
            sys.exit(f"/dev/shm has too little room: {ROOM >> 20} MiB are needed")
        os.chmod(work, 0o755)  # nginx' worker is somebody else
        (work / "files").mkdir()
        bench = Bench(work, os.path.abspath(options.tidewire), options.quick)
        how = "script/bench transfer" + (" --quick" if options.quick else "")
        lines = report.preamble(peers.versions(options.tidewire), how)
        print("\n".join(lines))
        hidden = {bench.program: "tidewire", f"{work}/": ""}
        for name in options.row or ROWS:
            section = report.row_lines(ROWS[name](bench), hidden)
            lines += section
            print("\n".join(section), flush=True)
    if options.write:
        report.write_section(DOCUMENT, "transfer", lines)


if __name__ == "__main__":
    main()
