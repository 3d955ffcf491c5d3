#!/usr/bin/env python3
"""Public headers: at most 250 lines, no heavy includes, each compiles alone and fast."""
import os
import re
import resource
import shlex
import subprocess
import sys
import tempfile
from common import finish, read, sources

MAX_LINES = 250
BUDGET_SECONDS = 2.0   # what we aim at
LIMIT_SECONDS = 4.0    # what fails: machines are noisy
HEAVY = re.compile(
    r"#\s*include\s*<(boost/asio\.hpp|boost/beast[^>]*|boost/asio/ssl[^>]*|openssl/[^>]+|sqlite3[^>]*|libpq[^>]*|curl/[^>]+)>")
COMPILER = shlex.split(os.environ.get("CXX", "g++")) + [
    "-std=c++20", "-fsyntax-only", "-Iinclude", "-Wall", "-Wextra", "-Werror", "-DBOOST_ASIO_SEPARATE_COMPILATION",
    "-DBOOST_ASIO_NO_DEPRECATED", "-DBOOST_BEAST_SEPARATE_COMPILATION"]


def compile_alone(header):
    """User CPU seconds, and what the compiler said if it failed. Included twice: guards must work."""
    name = header.removeprefix("include/")
    with tempfile.NamedTemporaryFile("w", suffix=".cpp") as file:
        file.write(f"#include <{name}>\n#include <{name}>\n")
        file.flush()
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        done = subprocess.run([*COMPILER, file.name], capture_output=True, text=True)
        seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    return seconds, "" if done.returncode == 0 else done.stderr


problems, times = [], []
for header in sources("include/*.hpp"):
    text = read(header)
    lines = text.count("\n")
    if lines > MAX_LINES:
        problems.append(f"{header}: {lines} lines, more than {MAX_LINES}")
    problems += [f"{header}: includes {match.group(1)}" for match in HEAVY.finditer(text)]
    seconds, said = compile_alone(header)
    if seconds > LIMIT_SECONDS and not said:
        seconds = min(seconds, compile_alone(header)[0])  # once more, should the machine be busy
    times.append((seconds, header))
    if said:
        problems.append(f"{header}: does not compile alone:\n{said[:2000]}")
    elif seconds > LIMIT_SECONDS:
        problems.append(f"{header}: {seconds:.1f} s to compile, more than {LIMIT_SECONDS:.0f}")
times.sort(reverse=True)
print("slowest to compile (user CPU seconds):")
for seconds, header in times[:5]:
    print(f"  {seconds:4.1f}  {header}{'  over the budget' if seconds > BUDGET_SECONDS else ''}")
sys.stdout.flush()
finish(problems, f"{len(times)} public headers compile alone and are light")
