#!/usr/bin/env python3
"""The README quotes the quick starts as they are: what people copy is what the install test runs."""
import pathlib
import sys

readme = pathlib.Path("README.md").read_text()
wrong = [path for path in sorted(pathlib.Path("examples").glob("*.cpp"))
         if f"```cpp\n{path.read_text()}```" not in readme]
for path in wrong:
    print(f"README.md does not quote {path} as it is")
if wrong:
    sys.exit(1)
print("README.md quotes the examples as they are")
