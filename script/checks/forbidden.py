#!/usr/bin/env python3
"""Time and randomness come from core alone, so that a test can run everything in virtual time.
Exceptions stand in forbidden.allow: `path-pattern name  # why`."""
import fnmatch
import os
import re
from common import code_only, finish, line_of, read, sources

FORBIDDEN = re.compile(
    r"\b(steady_timer|system_timer|high_resolution_timer|steady_clock|high_resolution_clock|"
    r"system_clock::now|random_device|sleep_for|sleep_until|usleep|nanosleep)\b")


def allow_list():
    path = os.path.join(os.path.dirname(__file__), "forbidden.allow")
    for line in read(path).splitlines():
        words = line.split("#")[0].split()
        if words:
            yield words[0], words[1]


def problems_in(path, text, allowed):
    code = code_only(text)
    for match in FORBIDDEN.finditer(code):
        name = match.group(1)
        if not any(fnmatch.fnmatch(path, pattern) and name == what for pattern, what in allowed):
            yield f"{path}:{line_of(code, match.start())}: {name} is for core alone"


assert list(problems_in("src/http/a.cpp", "asio::steady_timer t;", []))
assert not list(problems_in("src/http/a.cpp", "// no steady_timer here\nclock::now();", []))
assert not list(problems_in("test/a.cpp", "sleep_for(1s);", [("test/*", "sleep_for")]))
allowed = list(allow_list())
files = sources("*.cpp", "*.hpp")
finish([p for f in files for p in problems_in(f, read(f), allowed)],
       f"{len(files)} files take time and randomness from core")
