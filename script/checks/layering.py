#!/usr/bin/env python3
"""An include only points down: apps -> server, lab -> modules -> edges -> core. Modules do not include
each other, edges neither. But websocket and mail include http, and email stands on mail and queue. Only
tests may include the lab from below it."""
import re
from common import finish, line_of, read, sources

CORE = {"core"}
EDGES = {"http", "websocket", "mail", "store_sqlite", "store_postgres", "store", "file"}
MODULES = {"sync", "realtime", "transfer", "search", "queue"}

# Which parts a part may include besides itself. A name that is not here may include nothing, so that
# a new folder is added on purpose.
ALLOWED = {"core": set()}
ALLOWED |= {edge: CORE for edge in EDGES}
ALLOWED["websocket"] = CORE | {"http"}  # a WebSocket begins as HTTP
ALLOWED["mail"] = CORE | {"http"}  # both are libcurl on one loop
ALLOWED |= {module: CORE | EDGES for module in MODULES}
ALLOWED["queue_postgres"] = CORE | EDGES | {"queue"}  # a store of the queue's, for those who want libpq
ALLOWED |= {"server": CORE | EDGES | MODULES | {"queue_postgres"}, "lab": CORE | EDGES | MODULES | {"queue_postgres", "server"}}
ALLOWED["email"] = CORE | EDGES | {"queue"}  # mail that waits in a queue
ALLOWED |= {"server": CORE | EDGES | MODULES | {"email"}}
ALLOWED["lab"] = ALLOWED["server"] | {"server"}
EVERYTHING = set(ALLOWED)

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<tidewire/(\w+)/[^>]+>|"(?:tidewire/)?(\w+)/[^"]+")', re.M)


def part_of(path):
    """The part a file belongs to; None for those on top, which may include everything."""
    for pattern in (r"include/tidewire/(\w+)/", r"src/(\w+)/", r"(server|lab)/"):
        match = re.match(pattern, path)
        if match:
            return match.group(1)
    return None


def problems_in(path, text):
    part = part_of(path)
    if part is None:
        return
    allowed = ALLOWED.get(part, set()) | {part}
    if path.endswith(("_test.cpp", "_test_support.hpp")):
        allowed = allowed | {"lab"}
    for match in INCLUDE.finditer(text):
        target = match.group(1) or match.group(2)
        if match.group(2) and target not in EVERYTHING:
            continue  # a folder inside the part itself
        if target not in allowed:
            yield f"{path}:{line_of(text, match.start(1 if match.group(1) else 2))}: " \
                  f"{part} must not include {target}"


def self_test():
    def bad(path, text):
        return len(list(problems_in(path, text)))
    assert bad("src/core/a.cpp", "#include <tidewire/http/a.hpp>\n") == 1
    assert bad("src/http/a.cpp", "#include <tidewire/file/a.hpp>\n") == 1
    assert bad("src/websocket/a.cpp", "#include <tidewire/http/a.hpp>\n") == 0
    assert bad("src/http/a.cpp", "#include <tidewire/websocket/a.hpp>\n") == 1
    assert bad("include/tidewire/sync/a.hpp", "#include <tidewire/queue/a.hpp>\n") == 1
    assert bad("src/transfer/a.cpp", '#include "server/a.hpp"\n') == 1
    assert bad("src/transfer/a.cpp", "#include <tidewire/lab/a.hpp>\n") == 1
    assert bad("src/transfer/a_test.cpp", "#include <tidewire/lab/a.hpp>\n") == 0
    assert bad("src/transfer/a.cpp", "#include <tidewire/http/a.hpp>\n#include <map>\n") == 0
    assert bad("server/a.cpp", "#include <tidewire/lab/a.hpp>\n") == 1
    assert bad("lab/a.cpp", "#include <tidewire/server/a.hpp>\n") == 0
    assert bad("apps/tidewire/a.cpp", "#include <tidewire/server/a.hpp>\n") == 0


self_test()
files = sources("*.cpp", "*.hpp")
finish([p for f in files for p in problems_in(f, read(f))], f"{len(files)} files include only downwards")
