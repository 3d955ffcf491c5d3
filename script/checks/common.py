"""What the checks share: the list of sources, and C++ without its comments and strings."""
import os
import re
import subprocess
import sys


def sources(*patterns):
    """Tracked and new files (not the ignored ones) that match any of the git patterns."""
    found = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *patterns],
        capture_output=True, check=True, text=True).stdout
    return sorted(f for f in set(found.split("\0")) if f and os.path.exists(f))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


_noise = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\'', re.S)


def code_only(text):
    """The same text with comments blanked and literals emptied; line numbers stay."""
    def blank(match):
        kept = '""' if match.group(0)[0] in 'R"' else ("0" if match.group(0)[0] == "'" else " ")
        return kept + "\n" * match.group(0).count("\n")
    return _noise.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def finish(problems, fine):
    for problem in problems:
        print(problem)
    if not problems:
        print(fine)
    sys.exit(1 if problems else 0)
