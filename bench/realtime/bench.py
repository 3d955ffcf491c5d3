#!/usr/bin/env python3
"""Realtime beside ws, Socket.IO, partysocket and TanStack query-core, on loopback. See docs/benchmarks.md."""
import argparse
import pathlib
import signal
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "bench" / "transfer"))

import report  # noqa: E402
from processes import Cast, load, raise_descriptor_limit  # noqa: E402
from scenarios import ROWS  # noqa: E402

DOCUMENT = ROOT / "docs" / "benchmarks.md"


class Bench:
    """Where the rows run, and how thoroughly."""

    def __init__(self, cast, quick, only, rounds, seeds):
        self.cast, self.quick, self.only, self.rounds, self.seeds = cast, quick, only, rounds, seeds

    def chosen(self, names):
        return [name for name in names if not self.only or any(word in name for word in self.only)]

    @staticmethod
    def remark(text):
        print(f"  [{load():.1f}] {text}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--row", action="append", choices=list(ROWS), help="only this one")
    parser.add_argument("--only", action="append", help="contenders with this in their names")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seed", type=int, action="append", help="of the fault run")
    parser.add_argument("--write", action="store_true",
                        help="put the figures of these rows into docs/benchmarks.md")
    options = parser.parse_args()
    if options.write and (options.quick or options.only):
        parser.error("--write wants all contenders, and not a quick run")
    raise_descriptor_limit()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    with tempfile.TemporaryDirectory(prefix="tidewire-bench-") as folder:
        cast = Cast(options.build.resolve(), pathlib.Path(folder))
        cast.install()
        rounds = options.rounds or (3 if options.quick else 5)
        seeds = options.seed or ([1] if options.quick else [1, 2, 3])
        bench = Bench(cast, options.quick, options.only, rounds, seeds)
        how = "script/bench realtime" + (" --quick" if options.quick else "")
        lines = report.preamble(cast.versions(), how)
        print("\n".join(lines))
        for name in options.row or ROWS:
            busy = load()
            section = [*ROWS[name](bench), f"Load average before and after: {busy:.1f}, {load():.1f}.", ""]
            print("\n".join(section), flush=True)
            # Row by row: all of them take an hour.
            if options.write:
                report.write_section(DOCUMENT, f"realtime {name}", section)
        if options.write:
            report.write_section(DOCUMENT, "realtime", lines)


if __name__ == "__main__":
    main()
