#!/usr/bin/env python3
"""embed_console.py FOLDER OUTPUT.cpp: turns the built console into a source that holds its files.

Written only when it changed, so that an unchanged page costs no compilation."""
import hashlib
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
LINE_BYTES = 64


def literal(data):
    """A string literal of any bytes: octal escapes always have three digits, so that a digit behind
    them can't be taken for a part of them. "?" is escaped because of trigraphs."""
    def one(byte):
        char = chr(byte)
        return char if char.isascii() and char.isprintable() and char not in '"\\?' else f"\\{byte:03o}"
    lines = [data[i:i + LINE_BYTES] for i in range(0, len(data), LINE_BYTES)] or [b""]
    return "\n".join('        "' + "".join(map(one, line)) + '"' for line in lines)


def asset(folder, path):
    name = path.relative_to(folder).as_posix()
    if path.suffix not in TYPES:
        sys.exit(f"embed_console.py: {name}: no type is known for {path.suffix or 'a name without suffix'};"
                 " add it to TYPES")
    data = path.read_bytes()
    tag = hashlib.sha256(data).hexdigest()[:32]
    return (f'    {{"{name}", "{TYPES[path.suffix]}", "\\"{tag}\\"",\n'
            f"     std::string_view(\n{literal(data)},\n        {len(data)})}},\n")


def main():
    folder, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    if not (folder / "index.html") in files:
        sys.exit(f"embed_console.py: {folder} has no index.html")
    text = ("// Made from the console by cmake/embed_console.py.\n"
            '#include "demo/console_assets.hpp"\n\n'
            "namespace tidewire::demo {\n\n"
            "std::span<const console_asset> console_assets() {\n"
            "  static constexpr console_asset all[] = {\n"
            + "".join(asset(folder, p) for p in files) +
            "  };\n  return all;\n}\n\n}  // namespace tidewire::demo\n")
    if not output.exists() or output.read_text() != text:
        output.write_text(text)


main()
