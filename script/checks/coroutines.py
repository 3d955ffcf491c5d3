#!/usr/bin/env python3
"""Finds the temporaries inside co_await statements that g++ 12 miscompiles (see CONTRIBUTING.md).

Works on statements with comments and strings removed. It knows no types, so it is a net and not a
proof: the asan preset runs every test as well. With --self-test it only runs its fixtures, which it
does before each check anyway."""
import re
import sys
from common import code_only, finish, line_of, read, sources

WORD = r"[A-Za-z_]\w*"
# co_await name(...{ and co_await name(..., {: an aggregate built in the call. `{}` after a type name is
# an object without members to copy, but costs nothing to name either.
AGGREGATE = re.compile(r"co_await\b[^;{}]*[(,]\s*\{")
NAMED_AGGREGATE = re.compile(r"co_await\b[^;{}]*[(,]\s*(?:%s::)*%s(?:<[^<>;]*>)?\{" % (WORD, WORD))
LAMBDA = re.compile(r"(?:[(,={]|co_await)\s*\[(?!\[)([^\[\]]+)\]\s*(?:\(|\{|mutable\b)")
CONDITIONAL = re.compile(r"\?[^;:]*\bco_await\b|\?[^;]*?[^:]:(?!:)[^;]*\bco_await\b")
RECEIVER = re.compile(r"co_await\s+(?:%s::)*%s(?:<[^<>;]*>)?\{[^{}]*\}\s*\." % (WORD, WORD))
SPAWN = re.compile(r"co_await\s+(?:%s::)*co_spawn\s*\([^;]*?\[" % WORD)
PART = r"(?:[^();{}]|\([^()]*\))*"
CONDITION = re.compile(r"\b(?:if|while)\s*\(%s\bco_await\b%s\)\s*(?:co_return\s+)?co_await\b" % (PART, PART))
TWO_IN_BRACES = re.compile(r"\{[^{};]*\bco_await\b[^{};]*,[^{};]*\bco_await\b[^{};]*\}")


def statements(code):
    """(position, text) of every statement with a co_await: from the last `;`, `{` or `}` of a block to
    its own `;`. Lambda bodies inside a call stay part of the statement's head."""
    for match in re.finditer(r"\bco_await\b", code):
        begin = start_of(code, match.start())
        end = end_of(code, match.end())
        yield begin, code[begin:end]


def start_of(code, position):
    depth = 0
    for i in range(position - 1, -1, -1):
        c = code[i]
        if c in ")]":
            depth += 1
        elif c in "([":
            depth -= 1
        elif c == ";" and depth <= 0:
            return i + 1
        elif c in "{}" and depth <= 0:
            before = code[:i].rstrip()
            # An initialiser's brace belongs to the statement: `opt o{co_await a()}`.
            if c == "{" and re.search(r"[\w>=(,]$", before) and not re.search(
                    r"\b(else|do|try|const|noexcept|mutable|override|final)$", before) \
                    and not re.search(r"->\s*[\w:<>]+(?:<.*>)?$", before):
                continue
            return i + 1
    return 0


def end_of(code, position):
    depth = 0
    for i in range(position, len(code)):
        c = code[i]
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth < 0 and c == "}":
                return i + 1
        elif c == ";" and depth <= 0:
            return i + 1
    return len(code)


def drop_inner_bodies(statement):
    """Removes lambda bodies: what they await is a statement of its own."""
    out, i = [], 0
    for match in re.finditer(r"\]\s*(?:\([^()]*\))?[^;{}()]*\{", statement):
        if match.end() < i:
            continue
        depth, j = 1, match.end()
        while j < len(statement) and depth:
            depth += {"{": 1, "}": -1}.get(statement[j], 0)
            j += 1
        out.append(statement[i:match.end()])
        i = j - 1 if depth == 0 else j
    out.append(statement[i:])
    return "".join(out)


def faults(statement):
    flat = drop_inner_bodies(statement)
    if SPAWN.search(flat):
        yield "a lambda built in co_await co_spawn(...)"
    elif any(lambda_awaits(flat, m) for m in LAMBDA.finditer(flat)):
        yield "a capturing lambda built in a co_await statement"
    if RECEIVER.search(flat):
        yield "co_await on a member of a temporary"
    elif AGGREGATE.search(flat) or NAMED_AGGREGATE.search(flat):
        yield "an aggregate built in a co_await statement"
    if CONDITION.search(flat):
        yield "co_await in a condition and in its statement"
    if TWO_IN_BRACES.search(flat):
        yield "two co_await in one braced list"
    if CONDITIONAL.search(flat):
        yield "co_await in ?:"


def lambda_awaits(flat, match):
    """Whether the lambda is part of the awaited expression, and not named: `auto f = [x] {...};`."""
    return "co_await" in flat[:match.start() + 8] and not re.match(
        r"\s*(?:const\s+)?auto\s+\w+\s*=\s*\[", flat)


def problems_in(path, text):
    code = code_only(text)
    if "co_await" not in code:
        return
    seen = set()
    for begin, statement in statements(code):
        first = begin + len(statement) - len(statement.lstrip())
        for fault in faults(statement):
            if (first, fault) not in seen:
                seen.add((first, fault))
                yield f"{path}:{line_of(code, first)}: {fault}"


BAD = {
    "aggregate": ["co_await f({.a = x});", "co_await f({x, y});", "auto r = co_await f(a, {b, c});",
                  "co_await f(options{.a = 1});", "co_return co_await g({1});"],
    "capturing lambda": ["co_await f([x] { return x; });", "co_await [x]() -> task { co_return; }();",
                         "co_await f(a, [&, b](int) mutable { b(); });",
                         "auto r = co_await f([this] { go(); });"],
    "?:": ["auto r = c ? co_await a() : b;", "auto r = c ? b : co_await a();"],
    "member of a temporary": ["co_await obj{}.member();", "co_await ns::obj{x}.member(1);"],
    "co_spawn": ["co_await co_spawn(ex, [v]() -> task { co_return; });",
                 "co_await asio::co_spawn(ex, [v]() -> task { co_await x(); }, tok);"],
    "in a condition": ["if (co_await a()) co_await b();", "if (!co_await a(x)) co_return co_await b();"],
    "two co_await": ["opt o{co_await a(), co_await b()};"],
}
GOOD = ["bool go = co_await a(); if (go) co_await b();", "if (co_await a()) { go(); }", "if (co_await a()) break;",
        "if (!x) co_await f(y);",
        "co_await f(x);", "auto op = f(x); co_await std::move(op);", "co_await timer.async_wait();",
        "auto call = [x]() -> task { co_await y(); }; co_await call();",
        "if (c) { r = co_await a(); } else { r = b; }", "co_await f(v[0], w[i + 1]);",
        "asio::co_spawn(ex, [v]() -> task { co_await y(); }, asio::detached);",
        "// co_await f({x})\nint a;", "auto s = \"co_await f({x})\";", "co_await f(std::span(a));",
        "for (;;) { auto x = y ? a : b; co_await f(x); }", "task t() { co_await f(x); } std::vector v{1, 2};",
        "auto [ec, n] = co_await f(x, asio::as_tuple(asio::use_awaitable));",
        "while (co_await next()) { use({1, 2}); }", "co_await f([] { return 1; });"]


def self_test():
    wrap = "task t() {\n  int before = 0;\n  %s\n  after({1});\n}\n"
    for name, fixtures in BAD.items():
        for fixture in fixtures:
            found = list(problems_in("bad", wrap % fixture))
            assert any(name in problem for problem in found), (name, fixture, found)
            assert all(problem.startswith("bad:3:") for problem in found), (fixture, found)
    for fixture in GOOD:
        found = list(problems_in("good", wrap % fixture))
        assert not found, (fixture, found)


self_test()
if "--self-test" in sys.argv:
    print("the fixtures are told apart")
    sys.exit(0)
files = sources("*.cpp", "*.hpp")
finish([p for f in files for p in problems_in(f, read(f))],
       f"{len(files)} files keep the g++ 12 coroutine rules; {sum(map(len, BAD.values()))} bad fixtures found")
