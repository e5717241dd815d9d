"""Become a command inside control groups: `enter.py [--mark NAME] PROCS_FILE… -- COMMAND…`.

Stdlib only, and as little of it as can be: it starts in front of every job (`python -I -S`), and
the process that it is becomes the command. Ends with 126 when it cannot enter, as a shell does for
a command that it found and could not start.
"""

import os
import sys

MARK = "CLIPKIT_CEILING_MARK"


def main(words: list[str]) -> None:
    split = words.index("--")
    before, command = words[:split], words[split + 1 :]
    if before[:1] == ["--mark"]:
        os.environ[MARK] = before[1]
        before = before[2:]
    trying = command[0]
    try:
        for trying in before:
            with open(trying, "w") as procs:  # noqa: PTH123  (pathlib costs 10 ms of start-up)
                procs.write(str(os.getpid()))
        trying = command[0]
        os.execvp(trying, command)  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"clipkit: cannot enter the ceiling: {trying}: {error.strerror}\n")
        sys.exit(127 if trying == command[0] and error.errno == 2 else 126)


if __name__ == "__main__":
    main(sys.argv[1:])
