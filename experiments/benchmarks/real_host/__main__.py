"""Does it hold on the real host? A pack of `tune`'s own example in a container that has Python and ffmpeg alone.

    python experiments/benchmarks/real_host [ratio] [quarter] [slowed] [long] [--short] [--out FILE.json]
    python experiments/benchmarks/real_host --page FILE.json

`tune` of the README, for 512 MB and half a core, makes a pack; in a container of that size, with ffmpeg's build of
here and without anything of clipkit's,

- `ratio`: what five pairs say overlaps what `tune` said at home, and no interval is wider than 30 % of its ratio;
- `quarter`: at a quarter core the pack finds that, and takes twice the time;
- `slowed`: an ffmpeg that takes four times the CPU for the recommendation alone: "does not hold";
- `long`: the anonymous memory of the harness, read from outside in one trial of ten minutes, is at most 25 MB.

All four are asked where none is named: some 35 minutes. `--short` takes four clips of 4 s, a minute of tuning
and a trial of 30 s: some ten minutes, whose intervals may be as wide as they are. `--tuned FOLDER` takes a tuning
that is there. FILE.json tells what was left out. Ends with 1 where a part says NO; what too few pairs could be compared
for is not decided. Needs root; times mean something on a quiet machine alone.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

from measured_there import PARTS, Home

_PASSED = {True: "yes", False: "NO", None: "not decided"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--tuned", type=Path, metavar="FOLDER", help="a tuning that is there")
    parser.add_argument("--seconds", type=float, metavar="S", help="of the long trial")
    parser.add_argument("--out", type=Path, metavar="FILE.json")
    parser.add_argument("--page", type=Path, metavar="FILE.json", help="print that record")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    if asked.page:
        print("\n".join(page_lines(json.loads(asked.page.read_text()))))
        return
    parts = list(dict.fromkeys(asked.parts)) or list(PARTS)
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"{unknown[0]} is none of {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="clipkit-real-host-") as folder:
        home = Home(Path(folder), asked.short, asked.tuned, asked.seconds)
        found: dict[str, Any] = {
            "short": asked.short,
            "left_out": [part for part in PARTS if part not in parts],
            "load_at_start": os.getloadavg()[0],
            **home.about(parts),
            "parts": {},
        }
        for part in parts:
            found["parts"][part] = told = PARTS[part](home)
            print(f"{part}: {_PASSED[told['shown']]}", file=sys.stderr, flush=True)
            if asked.out:
                asked.out.write_text(json.dumps(found, indent=1) + "\n")
    print("\n".join(page_lines(found)))
    sys.exit(exit_code(found))


def exit_code(found: dict[str, Any]) -> int:
    return int(any(told["shown"] is False for told in found["parts"].values()))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Who is ended leaves no container."""
    raise KeyboardInterrupt


def page_lines(found: dict[str, Any]) -> list[str]:
    left_out = ", ".join(found["left_out"]) or "nothing"
    kind = "short" if found["short"] else "whole"
    lines = [
        f"# On a host with Python and ffmpeg alone ({kind}; left out: {left_out})",
        "",
        f"Load when it began: {found['load_at_start']:.1f} on {found['cores']} cores. {found['tuned']}",
        "",
        "| part | shown | what was found |",
        "|---|---|---|",
    ]
    for part, told in found["parts"].items():
        lines.append(f"| {part} | {_PASSED[told['shown']]} | {told['words']} |")
    return lines


if __name__ == "__main__":
    main()
