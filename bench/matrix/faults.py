"""What a server can do to a download that is under way: one function for each way of answering, and
the table of faults. All of it is deterministic: what happens depends on requests and on bytes sent.

The file has two generations. Half-way (by bytes sent, over all connections) the server cuts every
connection and becomes what the fault says: the second generation, or a liar."""
import email.utils
import functools
import gzip
import time
from dataclasses import dataclass
from typing import Callable

from hostile_server import content

SIZE = 2 * 1024 * 1024 + 17
PAGE = b"<html><body>Please log in to use this network.</body></html>\n" * 40
cached = functools.lru_cache(maxsize=64)(content)
STARTED = email.utils.formatdate(time.time(), usegmt=True)


def generation(number, fault):
    return cached(f"{fault.name}:{number}", SIZE if number == 1 else fault.second_size)


def validators(fault, number):
    return {"strong": [("ETag", f'"g{number}"')], "weak": [("ETag", f'W/"g{number}"')], "none": [],
            # The file was written twice within a second.
            "mtime": [("Date", email.utils.formatdate(usegmt=True)), ("Last-Modified", STARTED)],
            }[fault.validators]


def range_head(asked, total):
    return ("Content-Range", f"bytes {asked[0]}-{asked[1] - 1}/{total}")


def honest(exchange, request, heeds_conditions=True):
    fault, number = exchange.world.fault, exchange.generation()
    body, head = generation(number, fault), validators(fault, number)
    tag = dict(head).get("ETag", "")
    strong = tag if tag.startswith('"') else ""
    asked = request.range(len(body))
    if heeds_conditions:
        if "if-match" in request.headers and request.headers["if-match"] != strong:
            return exchange.send("412 Precondition Failed", head)
        if "if-range" in request.headers and request.headers["if-range"] != strong:
            asked = None
    head.append(("Accept-Ranges", "bytes"))
    if asked is None:
        return exchange.give("200 OK", head, body)
    if asked[0] >= len(body):
        head.append(("Content-Range", f"bytes */{len(body)}"))
        return exchange.send("416 Range Not Satisfiable", head)
    return exchange.give("206 Partial Content", [*head, range_head(asked, len(body))],
                         body[asked[0]:asked[1]])


def later_range(exchange, request):
    """The range asked for, unless it begins with the file: liars lie about the others only."""
    asked = request.range(SIZE)
    return asked if asked and 0 < asked[0] < SIZE else None


def lie(change):
    """A server that is honest but for ranges; `change` gets the range, the file and the head."""
    def answer(exchange, request):
        asked = later_range(exchange, request)
        if not asked:
            return honest(exchange, request)
        fault = exchange.world.fault
        return change(exchange, asked, generation(1, fault), validators(fault, 1))
    return answer


def other_start(exchange, asked, body, head):
    begin = max(0, asked[0] - 4096)
    head.append(range_head((begin, asked[1]), SIZE))
    return exchange.give("206 Partial Content", head, body[begin:asked[1]])


def other_start_untold(exchange, asked, body, head):
    """As above, and the head claims the range that was asked for."""
    head.append(range_head(asked, SIZE))
    begin = max(0, asked[0] - 4096)
    return exchange.give("206 Partial Content", head, body[begin:asked[1]])


def other_total(exchange, asked, body, head):
    head.append(range_head(asked, SIZE + 1000))
    return exchange.give("206 Partial Content", head, body[asked[0]:asked[1]])


def longer(exchange, asked, body, head):
    head.append(range_head(asked, SIZE))
    return exchange.give("206 Partial Content", head, body[asked[0]:asked[1]] + b"x" * 1000)


def shorter(exchange, asked, body, head):
    head.append(range_head(asked, SIZE))
    return exchange.give("206 Partial Content", head, body[asked[0]:max(asked[1] - 1000, asked[0] + 1)])


def gzipped(exchange, asked, body, head):
    packed = (gzip.compress(body, 1, mtime=0) + body)[asked[0]:asked[1]]
    return exchange.give("206 Partial Content",
                         [*head, range_head(asked, SIZE), ("Content-Encoding", "gzip")], packed)


def multipart(exchange, asked, body, head):
    part = (f"--b\r\nContent-Type: application/octet-stream\r\n"
            f"Content-Range: bytes {asked[0]}-{asked[1] - 1}/{SIZE}\r\n\r\n").encode()
    return exchange.give("206 Partial Content",
                         [*head, ("Content-Type", "multipart/byteranges; boundary=b")],
                         part + body[asked[0]:asked[1]] + b"\r\n--b--\r\n")


def full_of_another(exchange, asked, body, head):
    """200 to a range, with the second generation and nothing that says so."""
    return exchange.give("200 OK", [], generation(2, exchange.world.fault))


def ignores_conditions(exchange, request):
    return honest(exchange, request, heeds_conditions=False)


def ignores_and_hides(exchange, request):
    """The second generation's ranges come without a validator, whatever If-Range said."""
    if exchange.generation() == 1:
        return honest(exchange, request)
    body = generation(2, exchange.world.fault)
    asked = request.range(len(body))
    if not asked or asked[0] >= len(body):
        return honest(exchange, request)
    return exchange.give("206 Partial Content", [range_head(asked, len(body))],
                         body[asked[0]:asked[1]])


def too_long(exchange, request):
    return exchange.give("200 OK", validators(exchange.world.fault, 1),
                         generation(1, exchange.world.fault), claimed=SIZE + 5000)


def no_length(exchange, request):
    """The end of the connection is the end of the body, and it comes too soon."""
    return exchange.give("200 OK", validators(exchange.world.fault, 1),
                         generation(1, exchange.world.fault)[:SIZE * 3 // 4], claimed=None)


def chunked(exchange, request):
    """Chunks, and the connection ends before the last one."""
    body = generation(1, exchange.world.fault)[:SIZE * 3 // 4]
    chunks = b"%x\r\n%s\r\n" % (len(body), body)
    head = [*validators(exchange.world.fault, 1), ("Transfer-Encoding", "chunked")]
    return exchange.give("200 OK", head, chunks, claimed=None)


def redirects(exchange, request):
    now = f"/g{exchange.generation()}/file.bin"
    if request.path == "/file.bin":
        return exchange.send("302 Found", [("Location", now)])
    if request.path != now:
        return exchange.send("404 Not Found", body=b"gone")
    return honest(exchange, request)


def after_the_cut(status, head, count):
    """So many requests after the cut get this page; then all is well again."""
    def answer(exchange, request):
        if exchange.world.counted_since_cut() > count:
            return honest(exchange, request)
        return exchange.give(status, head, PAGE)
    return answer


@dataclass
class Fault:
    name: str
    says: str
    answer: Callable = honest
    validators: str = "strong"
    changes: str = "never"  # or "mid-way", "between the runs"; then it is the second generation
    second_size: int = SIZE
    cut: bool = True  # half-way all connections are cut once
    mirrors: bool = False  # each connection has a generation of its own
    cut_first: int = 0  # so many connections are cut after a third of the file


FAULTS = [
    Fault("changes", "new strong entity tag, mid-way", changes="mid-way"),
    Fault("changes-between", "the same, between two runs", changes="between the runs"),
    Fault("changes-weak", "new weak entity tag", validators="weak", changes="mid-way"),
    Fault("changes-weak-between", "the same, between two runs", validators="weak",
          changes="between the runs"),
    Fault("changes-silent", "same size, no validators", validators="none", changes="mid-way"),
    Fault("changes-silent-between", "the same, between two runs", validators="none",
          changes="between the runs"),
    Fault("same-mtime", "rewritten within a second: same Last-Modified", validators="mtime",
          changes="mid-way"),
    Fault("same-mtime-between", "the same, between two runs", validators="mtime",
          changes="between the runs"),
    Fault("if-range-ignored", "changed, and If-Range is ignored", ignores_conditions,
          changes="mid-way"),
    Fault("if-range-hidden", "the same, and its 206 names no validator", ignores_and_hides,
          changes="mid-way"),
    Fault("shrinks", "changed to a third of the size; 416 beyond", ignores_conditions,
          changes="mid-way", second_size=SIZE // 3),
    Fault("shrinks-between", "the same, between two runs", ignores_conditions,
          changes="between the runs", second_size=SIZE // 3),
    Fault("206-other-start", "206 begins 4096 bytes before what was asked", lie(other_start)),
    Fault("206-other-total", "206 with another total", lie(other_total)),
    Fault("206-longer", "206 with 1000 bytes too many", lie(longer)),
    Fault("206-shorter", "206 with 1000 bytes too few", lie(shorter)),
    Fault("206-gzip", "206 with Content-Encoding: gzip", lie(gzipped)),
    Fault("206-multipart", "206 as multipart/byteranges", lie(multipart)),
    Fault("200-other", "200 to a range, with other content", lie(full_of_another)),
    Fault("too-long", "Content-Length says more than there is", too_long, cut=False),
    Fault("no-length-cut", "no length, connection ends at three quarters", no_length, cut=False),
    Fault("chunked-cut", "chunked, ends before the last chunk", chunked, cut=False),
    Fault("redirect", "redirects to another generation mid-way", redirects, changes="mid-way"),
    Fault("mirrors", "each connection another generation, with tags", mirrors=True, cut=False,
          cut_first=3),
    Fault("mirrors-silent", "the same without validators", mirrors=True, cut=False, cut_first=3,
          validators="none"),
    Fault("portal", "two answers are a log-in page with 200",
          after_the_cut("200 OK", [("Content-Type", "text/html")], 2)),
    Fault("busy", "two answers are 503 with a page",
          after_the_cut("503 Service Unavailable", [("Retry-After", "1")], 2)),
]
