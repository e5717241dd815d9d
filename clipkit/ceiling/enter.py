"""Become a command inside control groups: `enter.py [--mark NAME] [--stay] FILE… -- COMMAND…`.

Each FILE is a group's `cgroup.procs`. Stdlib only, and as little of it as can be: it starts in
front of every job (`python -I -S`), and the process that it is becomes the command. Ends with 126
when it cannot enter, as a shell does for a command that it found and could not start.
"""

import os
import sys

MARK = "CLIPKIT_CEILING_MARK"
STAYER = "clipkit-stayer"


def main(words: list[str]) -> None:
    split = words.index("--")
    files, command = words[:split], words[split + 1 :]
    if files[:1] == ["--mark"]:
        os.environ[MARK] = files[1]
        files = files[2:]
    trying = command[0]
    try:
        if files[:1] == ["--stay"]:
            leave_a_stayer()
            files = files[1:]
        for trying in files:
            with open(trying, "w") as procs:  # noqa: PTH123  (pathlib costs 10 ms of start-up)
                procs.write(str(os.getpid()))
        trying = command[0]
        os.execvp(trying, command)  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"clipkit: cannot enter the ceiling: {trying}: {error.strerror}\n")
        sys.exit(127 if trying == command[0] and isinstance(error, FileNotFoundError) else 126)


def leave_a_stayer() -> None:
    """A process that only sleeps, so that a group which ends with its last process can be read.

    It is nobody's child and holds none of the command's pipes.
    """
    if child := os.fork():
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nothing, stream)
            os.closerange(3, 4096)
            os.execvp("sleep", [STAYER, "infinity"])  # noqa: S606
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
