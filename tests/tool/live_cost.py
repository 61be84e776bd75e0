#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# What looking at a run costs it: the same run in alternating blocks with and without --view, on a pseudo-terminal of its own; prints the
# medians of an execution's time and their ratio (target: 1.05). Usage:
#   live_cost.py TANDEM BLOCKS EXECUTIONS GRAPH [options of run]…
import fcntl
import os
import pty
import select
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import termios

LIMIT_S = 120


def look_at(words):
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
        os.execv(words[0], words)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    text, has_left = b"", False
    while select.select([fd], [], [], LIMIT_S)[0]:
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        text = (text + piece)[-4096:]
        if b"q leaves" in text and not has_left:
            os.write(fd, b"q")
            has_left = True
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def ns_each(trace):
    with sqlite3.connect(trace) as db:
        return db.execute("SELECT (max(start_ns + duration_ns) - min(start_ns)) * 1.0 / count(*) FROM v_execution").fetchone()[0]


def measure(tandem, n_executions, graph, options, is_seen):
    with tempfile.TemporaryDirectory(prefix="tandem-live-") as folder:
        trace = os.path.join(folder, "run.tandem")
        words = [tandem, "run", graph, "-n", n_executions, "-o", trace] + options
        if is_seen:
            code = look_at(words + ["--view"])
        else:
            code = subprocess.run(words + ["--quiet"], stdout=subprocess.DEVNULL).returncode
        if code:
            sys.exit("%s: exit status %d" % (" ".join(words), code))
        return ns_each(trace)


def main():
    if len(sys.argv) < 5:
        sys.exit("usage: live_cost.py TANDEM BLOCKS EXECUTIONS GRAPH [options of run]...")
    tandem, n_blocks, n_executions, graph, options = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:]
    times = {False: [], True: []}
    for block in range(2 * n_blocks):
        is_seen = block % 4 in (1, 2)  # abba: drift hits both alike
        times[is_seen].append(measure(tandem, n_executions, graph, options, is_seen))
    alone, seen = statistics.median(times[False]), statistics.median(times[True])
    print("alone %.2f us, looked at %.2f us an execution, ratio %.3f" % (alone / 1e3, seen / 1e3, seen / alone))


main()
