#!/usr/bin/env python3
"""Lists sources over 400 lines: each wants a reason. Only a remark, never a failure."""
from common import read, sources

MAX_LINES = 400
sizes = sorted(((read(f).count("\n"), f) for f in sources("*.cpp", "*.hpp", "*.py")), reverse=True)
for lines, path in sizes:
    if lines > MAX_LINES:
        print(f"{lines:5d}  {path}")
middle = sizes[len(sizes) // 2][0] if sizes else 0
print(f"{len(sizes)} files, median {middle} lines, {sum(l > MAX_LINES for l, _ in sizes)} over {MAX_LINES}")
