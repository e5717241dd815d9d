"""Pull the plug: signals to every process of clipkit at every moment, full disks, and what is left of it.

    python experiments/benchmarks/chaos [--from SEED] [--count N] [--minutes M] [--kind KIND ...] [--keep DIR]

A seed says what is run, what is done to whom, up to three times, and when: as soon as that process is there,
or a random while later; what has ended is started again for the next act. Then the same command runs again until it ends well, undisturbed. In the end its records must be
those of a run to which nothing was done (same cells, same blocks, valid ends, none twice), every line that
was there before must still be there, and nothing may be left: no process 10 s after the command's end, no
control group and no temporary file after the next one.

Prints a line for each act and every fault with its seed, then what came of all; ends with 1 where there
was a fault. Disks are tmpfs and need root.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from acts import Done, Place, try_seed
from kinds import KINDS, Trials, trials_of
from watched import Command

from clipkit.ffmpeg_builds import locate


def main() -> None:
    parser = argparse.ArgumentParser(description="Pull the plug, at every moment.")
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="SEED")
    parser.add_argument(
        "--count", type=int, metavar="N", help="so many seeds; default: as many as fit"
    )
    parser.add_argument("--minutes", type=float, default=40, metavar="M", help="default 40")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this; may be repeated")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep what had a fault there")
    given = parser.parse_args()
    seeds = itertools.count(given.first)
    if given.count:
        seeds = itertools.islice(seeds, given.count)
    deadline_s = time.monotonic() + given.minutes * 60
    with tempfile.TemporaryDirectory(prefix="chaos-") as scratch:
        place = prepared(Path(scratch), given.kind or list(KINDS))
        done: list[Done] = []
        with contextlib.suppress(KeyboardInterrupt):  # what was found until then is told
            for seed in seeds:
                done.append(try_seed(seed, place, given.keep))
                print(done[-1].line, flush=True)
                if time.monotonic() > deadline_s:
                    break
    print("\n".join(summary(done) if done else ["nothing was done"]))
    sys.exit(1 if any(each.faults for each in done) else 0)


def prepared(scratch: Path, kinds: list[str]) -> Place:
    """The film, and of each kind what an undisturbed run comes to."""
    film = scratch / "film.mp4"
    picture = "testsrc2=size=320x180:rate=25:duration=5,noise=alls=30:allf=t"
    argv = [locate("bundled"), "-nostdin", "-v", "error", "-f", "lavfi", "-i", picture, str(film)]
    subprocess.run(argv, check=True)
    place = Place(scratch, film, kinds)
    for name in dict.fromkeys(KINDS[name].like or name for name in kinds):
        kind = KINDS[name]
        if kind.campaign is not None and kind.resumes:
            place.expected[name] = undisturbed(name, place)
    return place


def undisturbed(name: str, place: Place) -> Trials:
    """A report changes no record of the campaign that it is of."""
    kind = KINDS[name]
    folder = place.folder_for(name, f"undisturbed-{name}")
    command = Command(kind.prepare(folder, place.film), folder)
    command.start()
    if command.ended(300) != 0:
        raise SystemExit(f"{name}: undisturbed it does not end well: {command.said.read_text()}")
    return trials_of(folder / str(kind.campaign))


def summary(done: list[Done]) -> list[str]:
    acts = [(each.kind, step) for each in done for step in each.steps]
    hit = [(kind, step) for kind, step in acts if step.acted]
    by = Counter((kind, step.how.removesuffix(" later")) for kind, step in hit)
    found = Counter(fault.partition(":")[0] for each in done for fault in each.faults)
    told = ", ".join(f"{count} {what}" for what, count in found.items()) or "no fault"
    ends = Counter(step.ended for _, step in hit)
    return [
        *(f"{count:4}  {kind}: {how}" for (kind, how), count in sorted(by.items())),
        f"{len(hit)} acts ({len(acts) - len(hit)} more came too late), seeds {done[0].seed} to {done[-1].seed}",
        f"the commands: {', '.join(f'{count} {what}' for what, count in ends.most_common())}",
        f"found: {told}",
        f"on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; go on with --from {done[-1].seed + 1}",
    ]


if __name__ == "__main__":
    main()
