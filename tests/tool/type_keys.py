#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Types lines into a shell on a pseudo-terminal and prints what it offers to complete them. Usage:
#   type_keys.py bash|zsh SCRIPT LINE…
# SCRIPT is what `tandem completion` printed. For each LINE one line: "LINE => WORD WORD …".
import os
import pty
import re
import select
import shutil
import sys
import tempfile

LIMIT_S = 30
PROMPT = "=|="  # printed when the shell listens for keys

SHELLS = {
    # name: (arguments, what it is told first, the key that lists what is possible)
    "bash": (["--norc", "--noprofile", "-i"],
             "bind 'set completion-query-items 0'; bind 'set page-completions off'; bind 'set bell-style none';"
             " bind '\"\\C-o\": possible-completions'; . {script}", b"\x0f"),
    "zsh": (["-f", "-i"],
            "unsetopt prompt_cr prompt_sp; setopt no_beep; fpath=({folder} $fpath); autoload -Uz compinit; compinit -D -u;"
            " zstyle ':completion:*' verbose no; LISTMAX=1000; bindkey '^O' list-choices", b"\x0f"),
}


class Shell:
    def __init__(self, name):
        self.n_asked, self.rest = 0, b""
        pid, self.fd = pty.fork()
        if pid == 0:
            os.environ.update(TERM="dumb", COLUMNS="400", LINES="50", PS1="", HISTFILE="")
            os.execvp(name, [name] + SHELLS[name][0])

    def read_until(self, mark):
        text, self.rest = self.rest, b""
        while mark not in text:
            if not select.select([self.fd], [], [], LIMIT_S)[0]:
                sys.exit("the shell said nothing for %d s; so far: %r" % (LIMIT_S, text))
            text += os.read(self.fd, 65536)
        at = text.index(mark)
        self.rest = text[at + len(mark):]
        return text[:at].decode(errors="replace")

    # Runs a command and returns all output up to its end; what the command is typed as is never its output.
    def run(self, command):
        self.n_asked += 1
        os.write(self.fd, (command + "; echo EN''D-%d-\n" % self.n_asked).encode())
        text = self.read_until(b"END-%d-" % self.n_asked)
        self.read_until(PROMPT.encode())
        return text

    def offer(self, line, key):
        os.write(self.fd, line.encode() + key + b"\x15")
        return self.run("true")


def words_of(text, line):
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x07", "", text)
    rows = [row for row in re.split(r"[\r\n]+", text)]
    words = []
    for row in rows:
        if "EN''D" in row or PROMPT in row or row.strip() in ("", line.strip()):
            continue
        words += row.split()
    return words


def main():
    name, script, lines = sys.argv[1], sys.argv[2], sys.argv[3:]
    _, setup, key = SHELLS[name]
    folder = tempfile.mkdtemp(prefix="tandem-keys-")
    try:
        shutil.copy(script, os.path.join(folder, "_tandem"))
        shell = Shell(name)
        shell.run("PS1='=|'=; PS2=; stty -echo columns 400; " + setup.format(script=script, folder=folder))
        for line in lines:
            print(line, "=>", " ".join(words_of(shell.offer(line, key), line)))
    finally:
        shutil.rmtree(folder)


main()
