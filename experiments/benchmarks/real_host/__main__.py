"""Does it hold on the real host? A pack of `tune`'s own example in a container that has Python and ffmpeg alone.

    python experiments/benchmarks/real_host [ratio] [quarter] [slowed] [long] [--short] [--out FILE.json]
    python experiments/benchmarks/real_host --page FILE.json

`tune` of the README, for 512 MB and half a core, makes a pack; in a container of that size, with ffmpeg's build of
here and without anything of clipkit's,

- `ratio`: what five pairs say overlaps what `tune` said at home, and no interval is wider than 30 % of its ratio;
- `quarter`: at a quarter core the pack finds that, and takes twice the time;
- `slowed`: an ffmpeg that takes four times the CPU for the recommendation alone: "does not hold";
- `long`: the anonymous memory of the harness, read from outside in one trial of ten minutes, is at most 25 MB.

All four are asked where none is named: an hour where `sketch` takes ten minutes for the job. Two sittings, `ratio quarter`
and `slowed long`, each of half of it, fill one FILE.json: the parts that are measured take the place of those that it
has, each with its own tuning and load, and it tells what was left out. `--short` takes four clips of 4 s, a minute of
tuning and a trial of 30 s: some ten minutes, whose intervals may be as wide as they are. `--tuned FOLDER` takes a tuning
that is there. Ends with 1 where a part says NO; what too few pairs could be compared for is not decided. Needs root;
times mean something on a quiet machine alone.
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
    stored = kept(asked.out, asked.short)
    measured: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="clipkit-real-host-") as folder:
        home = Home(Path(folder), asked.short, asked.tuned, asked.seconds)
        sitting = {"load_at_start": os.getloadavg()[0], **home.about(parts)}
        for part in parts:
            measured[part] = told = PARTS[part](home) | sitting
            print(f"{part}: {_PASSED[told['shown']]}", file=sys.stderr, flush=True)
            if asked.out:
                found = with_parts(stored, asked.short, measured)
                asked.out.write_text(json.dumps(found, indent=1) + "\n")
    print("\n".join(page_lines(with_parts(stored, asked.short, measured))))
    sys.exit(exit_code({"parts": measured}))


def kept(path: Path | None, short: bool) -> dict[str, Any]:
    """The parts that the file has. A short run and a whole one do not go into one."""
    if path is None or not path.exists():
        return {}
    found = json.loads(path.read_text())
    if found["short"] != short:
        kind = "whole" if short else "short"
        raise SystemExit(f"{path} holds a {kind} run: name another file with --out")
    parts: dict[str, Any] = found["parts"]
    return parts


def with_parts(stored: dict[str, Any], short: bool, measured: dict[str, Any]) -> dict[str, Any]:
    parts = stored | measured
    return {"short": short, "parts": {part: parts[part] for part in PARTS if part in parts}}


def exit_code(found: dict[str, Any]) -> int:
    return int(any(told["shown"] is False for told in found["parts"].values()))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Who is ended leaves no container."""
    raise KeyboardInterrupt


def page_lines(found: dict[str, Any]) -> list[str]:
    parts = found["parts"]
    left_out = ", ".join(part for part in PARTS if part not in parts) or "nothing"
    kind = "short" if found["short"] else "whole"
    lines = [
        f"# On a host with Python and ffmpeg alone ({kind}; left out: {left_out})",
        "",
        "| part | shown | what was found |",
        "|---|---|---|",
    ]
    sittings: dict[str, list[str]] = {}
    for part, told in parts.items():
        lines.append(f"| {part} | {_PASSED[told['shown']]} | {told['words']} |")
        load = f"load {told['load_at_start']:.1f} on {told['cores']} cores when they began"
        sittings.setdefault(f"({load}): {told['tuned']}", []).append(part)
    for sitting, measured in sittings.items():
        lines += ["", f"{', '.join(measured)} {sitting}"]
    return lines


if __name__ == "__main__":
    main()
