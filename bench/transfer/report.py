"""Figures as people and as docs/benchmarks.md read them: both are the same Markdown."""
import datetime
import os
import platform
import re

import measurement


def machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return (f"{os.cpu_count()} shared cores ({platform.machine()}), {memory} GiB, "
            f"Linux {'.'.join(platform.release().split('.')[:2])}")


def preamble(versions, what):
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    known = ", ".join(f"{name} {number}" for name, number in versions.items())
    return [f"{date}, {what}; {machine()}.", "", f"Versions: {known}.", ""]


def words(command, hidden):
    """The command line with the work folder and the port taken out."""
    line = " ".join(command)
    for long, short in hidden.items():
        line = line.replace(str(long), short)
    return re.sub(r"127\.0\.0\.1:\d+|(?<=limit )\d+", "HOST", line)


def ratio_text(values):
    middle, low, high = values
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def row_lines(row, hidden):
    lines = [f"### {row.name}: {row.title}", ""]
    reference = next((c for c in row.contenders if c.name == row.reference and c.runs), None)
    against = f"the bound, {row.bound:.2f} s" if row.bound else row.reference
    lines += [f"Medians of {row.rounds} interleaved rounds; ratios to {against}, "
              "median of the rounds (least to most).", "",
              "| | wall s | CPU s | peak MiB | wall ratio | CPU ratio |", "|---|--:|--:|--:|--:|--:|"]
    for one in row.contenders:
        if one.failure:
            lines.append(f"| {one.name} | {one.failure} | | | | |")
            continue
        name = one.name + (", 1 run" if one.measured_once else "")
        figures = f"{one.median('wall'):.3f} | {one.median('cpu'):.3f} | {one.median('peak'):.0f}"
        wall = cpu = ""
        if row.bound:
            walls = sorted(run.wall / row.bound for run in one.runs)
            wall = ratio_text((one.median("wall") / row.bound, walls[0], walls[-1]))
        elif reference:
            wall = ratio_text(measurement.ratios(one, reference, "wall"))
            cpu = ratio_text(measurement.ratios(one, reference, "cpu"))
        lines.append(f"| {name} | {figures} | {wall} | {cpu} |")
    lines += ["", *row.notes, "Command lines:", "", "```"]
    lines += [words(one.command, hidden) for one in row.contenders]
    return [*lines, "```", ""]


def write_section(path, name, lines):
    """Replaces what stands between the two markers of this name."""
    text = path.read_text()
    begin, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise SystemExit(f"{path}: there is no section between {begin} and {end}")
    body = "\n".join(lines).strip()
    path.write_text(f"{head}{begin}\n\n{body}\n\n{end}{tail}")
