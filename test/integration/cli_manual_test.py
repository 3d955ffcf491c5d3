#!/usr/bin/env python3
"""The manual pages and completions that the built `tidewire` makes of its own command line: pages
pass groff and mandoc and tell of everything that --help tells of; completions are tried in the shells.

usage: cli_manual_test.py TIDEWIRE [unittest arguments]
"""
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TIDEWIRE = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "tidewire"


def run(*words, **more):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=60, **more)
    return done.returncode, done.stdout, done.stderr


def tidewire(*words):
    code, out, error = run(TIDEWIRE, *words)
    if code:
        raise AssertionError(f"tidewire {words}: {code} {error}")
    return out


def help_sections(command):
    """Names in the parts of --help: {"Options": [...], "Subcommands": [...]}."""
    sections, here = {}, None
    for line in tidewire(*command, "--help").splitlines():
        if re.fullmatch(r"[A-Z]\w+:", line):
            here = sections.setdefault(line[:-1], [])
        elif not line.strip():
            here = None
        elif here is not None and (name := re.match(r"  (\S+)", line)):
            here.append(name.group(1))
    return sections


def all_commands(command=()):
    """Every command as a tuple of words, by what --help says: the root is ()."""
    yield command
    for name in help_sections(command).get("Subcommands", []):
        yield from all_commands((*command, name))


def options_of(command):
    return [name for names in help_sections(command)["Options"] for name in names.split(",")]


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidewire-manual-"))
        self.addCleanup(shutil.rmtree, self.folder, True)


class Pages(Folder):
    def setUp(self):
        super().setUp()
        tidewire("man", "--output-dir", self.folder)

    def page(self, command):
        return self.folder / ("-".join(("tidewire", *command)) + ".1")

    def rendered(self, command):
        code, out, error = run("groff", "-K", "utf8", "-man", "-ww", "-Tutf8", self.page(command),
                               env={**os.environ, "GROFF_NO_SGR": "1"})
        self.assertEqual((code, error), (0, ""), command)
        return re.sub(".\b", "", out)

    def test_there_is_one_for_every_command_and_no_other(self):
        commands = list(all_commands())
        self.assertGreater(len(commands), 8)
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()),
                         sorted(self.page(command).name for command in commands))

    def test_are_the_same_as_printed(self):
        for command in all_commands():
            self.assertEqual(tidewire("man", *command), self.page(command).read_text())

    def test_please_groff_and_tell_of_everything_in_help(self):
        for command in all_commands():
            text = self.rendered(command)
            for name in options_of(command):
                self.assertRegex(text, rf"(?m)^ .*{re.escape(name)}(?![\w-])", command)
            for name in help_sections(command).get("Subcommands", []):
                self.assertRegex(text, rf"(?m)^ +{re.escape(name)}\b", command)
            for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"):
                self.assertRegex(text, rf"(?m)^{heading}$", command)

    def test_please_mandoc(self):
        for command in all_commands():
            code, out, error = run("mandoc", "-T", "lint", "-W", "warning", self.page(command))
            # Undated on purpose: the same sources give the same page.
            said = [line for line in (out + error).splitlines() if "missing date" not in line]
            self.assertEqual(said, [], command)

    def test_examples_come_out_as_they_are_typed(self):
        text = self.rendered(("get",))
        self.assertIn("tidewire get -d downloads --input-file list.txt -j 8 --limit-rate 2M", text)
        self.assertRegex(text, r"(?m)^EXAMPLES$")


class Mistakes(Folder):
    def test_an_unknown_command_has_no_page(self):
        code, out, error = run(TIDEWIRE, "man", "transfers", "lis\x1bt")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("no command `tidewire transfers lis\\x1bt`", error)

    def test_a_missing_folder_is_named(self):
        code, _, error = run(TIDEWIRE, "man", "--output-dir", self.folder / "missing")
        self.assertEqual(code, 8)
        self.assertIn(f"{self.folder}/missing/tidewire.1: No such file", error)

    def test_an_unknown_shell_is_refused(self):
        code, out, error = run(TIDEWIRE, "completion", "tcsh")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("bash", error)


class Terminal:
    """A shell on a terminal of its own, typed into as a person would."""

    def __init__(self, case, folder, *command):
        self.seen = ""
        self.process, self.file = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            # Wide, so that no line wraps.
            os.execvpe(command[0], command, {**os.environ, "TERM": "xterm", "COLUMNS": "500",
                                             "HOME": str(folder), "PS1": "", "HISTFILE": ""})
        case.addCleanup(self.close)

    def close(self):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.file)

    def type(self, text):
        os.write(self.file, text.encode())

    def expect(self, pattern):
        deadline = time.monotonic() + 30
        while not (found := re.search(pattern, self.seen)):
            if not select.select([self.file], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"no {pattern!r} in {self.seen!r}")
            try:
                self.seen += os.read(self.file, 65536).decode("utf-8", "replace")
            except OSError as ended:
                raise AssertionError(f"the shell ended: {self.seen!r}") from ended
        self.seen = self.seen[found.end():]
        return found


class Shell:
    """What every shell has to offer; `name` and `complete` are each one's own."""

    def setUp(self):
        super().setUp()
        self.script = self.folder / "script"
        self.script.write_text(tidewire("completion", self.name))

    def test_commands_everywhere(self):
        for command in all_commands():
            below = help_sections(command).get("Subcommands", [])
            if below:
                self.assertEqual(self.complete(*command, ""), set(below), command)

    def test_every_option_of_every_command(self):
        for command in all_commands():
            names = {name for name in options_of(command) if name.startswith("--")}
            self.assertLessEqual(names, self.complete(*command, "--"), command)

    def test_the_words_an_option_takes(self):
        self.assertEqual(self.complete("get", "--progress", ""), {"auto", "bar", "json", "none"})
        self.assertEqual(self.complete("get", "--durability", "po"), {"power"})
        self.assertEqual(self.complete("get", "-x", ""), {"auto"})

    def test_a_value_is_no_command(self):
        self.assertIn("--limit-rate", self.complete("get", "-o", "serve", "--limit"))
        self.assertIn("--checksum", self.complete("transfers", "verify", "list", "--check"))

    def test_arguments(self):
        self.assertEqual(self.complete("completion", ""), {"bash", "zsh", "fish"})
        self.assertLessEqual({"get", "serve"}, self.complete("man", ""))


class Bash(Shell, Folder):
    name = "bash"
    # Outside a completion `compopt` fails; what it is asked for counts here.
    DRIVER = """
        source "$1"; shift
        compopt() { printf 'compopt %s\\n' "$*"; }
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _tidewire
        [ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
    """

    def complete(self, *words):
        code, out, error = run("bash", "-c", self.DRIVER, "bash", self.script, "tidewire", *words)
        self.assertEqual((code, error), (0, ""))
        return set(out.splitlines())

    def test_a_value_behind_an_equals_sign(self):
        self.assertEqual(self.complete("get", "--progress", "=", ""), {"auto", "bar", "json", "none"})
        self.assertEqual(self.complete("get", "--progress", "="), {"auto", "bar", "json", "none"})
        self.assertEqual(self.complete("get", "--progress", "=", "js"), {"json"})
        self.assertIn("--dir", self.complete("get", "--progress", "=", "json", "--di"))

    def test_files_and_folders_are_left_to_readline(self):
        self.assertEqual(self.complete("get", "-o", ""), {"compopt -o default"})
        self.assertEqual(self.complete("serve", "--files", ""), {"compopt -o dirnames"})
        self.assertEqual(self.complete("transfers", "list", ""), {"compopt -o default"})
        self.assertEqual(self.complete("get", ""), set())  # an address

    def test_in_a_terminal(self):
        (self.folder / "target here").touch()
        (self.folder / "target-folder").mkdir()
        shell = Terminal(self, self.folder, "bash", "--norc", "--noprofile", "-i")
        shell.type(". ./script; tidewire() { printf '<%s>' \"$@\"; }; echo re''ady\n")
        shell.expect("ready")
        shell.type("tidewire get --progress=js\t -o target\\ h\t -d t\t\n")
        shell.expect("<get><--progress=json><-o><target here><-d><target-folder/?>")


class Zsh(Shell, Folder):
    name = "zsh"

    def setUp(self):
        super().setUp()
        self.terminal = None

    def complete(self, *words):
        if self.terminal is None:
            self.terminal = self.start()
        self.terminal.type("tidewire " + " ".join(words) + "\t")
        # Ctrl-G then shows what was offered; Ctrl-U empties the line.
        self.terminal.type("\x07")
        offered = self.terminal.expect(r"<<<([^>]*)>>>").group(1)
        return set(offered.split())

    def start(self):
        os.rename(self.script, self.folder / "_tidewire")
        terminal = Terminal(self, self.folder, "zsh", "-f", "-i")
        terminal.type("""unset zle_bracketed_paste; fpath=($PWD $fpath)
autoload -U compinit; compinit -u -D
typeset -a offered
compadd() { local -a a; builtin compadd -O a "$@"; offered+=($a); builtin compadd "$@"; }
tell() { print -r -- "<""<<$offered>>"">"; offered=(); BUFFER=; zle -I }
zle -N tell; bindkey '^G' tell; bindkey '^I' complete-word; echo re''ady
""")
        terminal.expect("ready")
        return terminal

    def test_files_and_folders(self):
        (self.folder / "some.file").touch()
        (self.folder / "some.folder").mkdir()
        self.assertEqual(self.complete("get", "-o", "some"), {"some.file", "some.folder"})
        self.assertEqual(self.complete("serve", "--files", "some"), {"some.folder"})
        self.assertEqual(self.complete("get", "some"), set())

    def test_parses(self):
        self.assertEqual(run("zsh", "-n", self.script), (0, "", ""))


class Fish(Shell, Folder):
    name = "fish"

    def complete(self, *words):
        line = " ".join(("tidewire", *words))
        code, out, error = run("fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]",
                               self.script, line, cwd=self.folder,
                               env={**os.environ, "HOME": str(self.folder)})
        self.assertEqual((code, error), (0, ""))
        return {found.split("\t")[0] for found in out.splitlines()}

    def test_parses(self):
        self.assertEqual(run("fish", "--no-config", "-n", self.script), (0, "", ""))

    def test_files_and_folders(self):
        (self.folder / "some.file").touch()
        (self.folder / "some.folder").mkdir()
        self.assertEqual(self.complete("get", "-o", "some"), {"some.file", "some.folder/"})
        self.assertEqual(self.complete("serve", "--files", "some"), {"some.folder/"})
        self.assertEqual(self.complete("get", "some"), set())


if __name__ == "__main__":
    unittest.main()
