#!/usr/bin/env python3
"""The corruption matrix: server faults x kills x programs. What counts is the one thing that nobody
can see from outside: exit code 0 with bytes that are no generation of the file.

Outcomes: right; error (exit code not 0); page (exit 0, and the file is the server's log-in page);
WRONG (exit 0 with anything else); hang (killed after a time limit). For tidewire also STUCK: a
healthy run after an error did not end right. Exit code 1: tidewire was WRONG or STUCK, or hung."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test" / "integration"), str(ROOT / "bench" / "transfer")]

import peers  # noqa: E402
import report  # noqa: E402
from cell import KILLS, commands, run_cell  # noqa: E402
from faults import FAULTS  # noqa: E402

QUICK = {"changes", "changes-silent-between", "if-range-ignored", "206-other-start", "no-length-cut",
         "mirrors"}


def run_all(faults, programs, kills):
    cells = [(fault, kill, name) for fault in faults for kill in kills for name in programs]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda c: run_cell(c[0], c[1], programs[c[2]], c[2] == "tidewire"), cells)
        table = {}
        for (fault, kill, name), outcome in zip(cells, done):
            table.setdefault(fault.name, {}).setdefault(name, {})[kill] = outcome
            if not sys.stderr.isatty():
                continue
            print(f"\r{fault.name} {kill} {name}: {outcome}\x1b[K", end="", file=sys.stderr)
    return table


def text(outcomes):
    """One cell of the table: the outcome of each kill, or the one that they share."""
    values = list(outcomes.values())
    return values[0] if len(set(values)) == 1 else " / ".join(values)


def table_lines(table, faults, programs, kills):
    lines = [f"Where kills differ: {' / '.join(kills)}.", "",
             f"| fault | | {' | '.join(programs)} |", f"|---|---|{'---|' * len(programs)}"]
    for fault in faults:
        cells = " | ".join(text(table[fault.name][name]) for name in programs)
        lines.append(f"| {fault.name} | {fault.says} | {cells} |")
    count = {name: sum("WRONG" in outcome for fault in table.values()
                       for outcome in fault[name].values()) for name in programs}
    of = len(faults) * len(kills)
    totals = " | ".join(f"**{count[name]}** of {of}" for name in programs)
    return [*lines, f"| **WRONG** | | {totals} |"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tidewire", required=True)
    parser.add_argument("--quick", action="store_true", help="six faults")
    parser.add_argument("--only", action="append", help="this program only; may be repeated")
    parser.add_argument("--fault", action="append", help="this fault only; may be repeated")
    parser.add_argument("--json", metavar="FILE", help="write the outcomes there too")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    options = parser.parse_args()
    tidewire = os.path.abspath(options.tidewire)
    programs = {name: command for name, command in commands(tidewire).items()
                if (not options.only or name in options.only)
                and peers.installed(command("http://h/file.bin")[0])}
    wanted = set(options.fault or (QUICK if options.quick else [f.name for f in FAULTS]))
    faults = [fault for fault in FAULTS if fault.name in wanted]
    if not faults or not programs or (options.write and (options.only or len(faults) < len(FAULTS))):
        parser.error("no such fault or program; and --write wants all of them")
    table = run_all(faults, programs, list(KILLS))
    lines = report.preamble(peers.versions(tidewire), "script/bench matrix")
    lines += table_lines(table, faults, programs, list(KILLS))
    lines += ["", "Command lines:", "", "```"]
    lines += [report.words(command("http://127.0.0.1:80/file.bin"), {tidewire: "tidewire"})
              for command in programs.values()]
    lines.append("```")
    print("\n".join(lines))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(table, indent=1))
    if options.write:
        report.write_section(ROOT / "docs" / "benchmarks.md", "matrix", lines)
    bad = [f"{fault} {kill}: {outcome}" for fault, row in table.items()
           for kill, outcome in row.get("tidewire", {}).items()
           if any(word in outcome for word in ("WRONG", "STUCK", "hang"))]
    if bad:
        sys.exit("tidewire failed: " + "; ".join(bad))


if __name__ == "__main__":
    main()
