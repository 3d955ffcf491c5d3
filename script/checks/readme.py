#!/usr/bin/env python3
"""README and guides quote the quick starts as they are: what people copy is what is built."""
import pathlib
import sys

texts = [p.read_text() for p in [pathlib.Path("README.md"), *pathlib.Path("docs").glob("*.md")]]
wrong = [path for path in sorted(pathlib.Path("examples").glob("*.cpp"))
         if not any(f"```cpp\n{path.read_text()}```" in text for text in texts)]
for path in wrong:
    print(f"neither README.md nor a guide in docs/ quotes {path} as it is")
if wrong:
    sys.exit(1)
print("README.md and the guides quote the examples as they are")
