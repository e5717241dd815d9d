"""The memory model of `clipkit/model/memory.py`: measure single clips, fit, check on what was not fitted.

    python experiments/benchmarks/memory_model fit [--points FILE]
    python experiments/benchmarks/memory_model measure --uploads DIR [--peculiar DIR…] [--others DIR…] [--minutes M]
    python experiments/benchmarks/memory_model ladder --uploads DIR
    python experiments/benchmarks/memory_model uhd
    python experiments/benchmarks/memory_model variants --uploads DIR --others DIR
    python experiments/benchmarks/memory_model scalers [--uploads DIR]
    python experiments/benchmarks/memory_model seconds [--others DIR… [--minutes M]]

`fit` needs no machine: it reads the measured points that are kept in `results/memory`, prints the constants,
their errors on the uploads and settings that the fit has not seen, by build, and how far the model that is
installed is off. `measure` makes uploads of many sizes and codecs in DIR and adds the points that are not
there yet: seven settings each to fit on, four by the system's ffmpeg, and four of others to check on, with
every film in the folders `--others`; those in `--peculiar` (sizes that change, a single frame) are fitted on. `ladder` measures what each thing that a clip can give up frees and
costs, by which `clipkit/plan/ladder.py` orders them. `uhd` cuts twelve clips of a 4K upload on 512 MB and
keeps what came of it in `results/memory`. `variants` makes in `--uploads` more uploads of the films in `--others`, by
their names. `scalers` makes uploads in DIR, if it is given, adds to `results/memory` the clips of them made smaller by zimg
beside the same by swscale that are not there yet, and prints what is known of all. `seconds` prints the constants of `clipkit/model/cpu_seconds.py` and how far off they are on films that
were left out of the fit; with `--others` it first measures what is not there yet of the uploads in them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fitting
import ladder_costs
import scalers
import seconds
import uhd
import variants
from drawing import drawn
from points import STORED, Point, measured, store, stored
from uploads import CHECKED, FITTED

from clipkit.errors import ClipkitError
from clipkit.format import MIB
from clipkit.media.probe import probe_upload
from clipkit.model.memory import TERMS_EACH
from clipkit.settings import Settings

_COMMANDS = ("fit", "measure", "ladder", "uhd", "variants", "scalers", "seconds")
_SEEDS = {"fit": 13, "system": 17, "check": 29}
_COUNTS = {"fit": 7, "system": 4, "check": 4}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=_COMMANDS)
    parser.add_argument("--points", type=Path, default=STORED)
    parser.add_argument(
        "--uploads", type=Path, help="for all but scalers memory-uploads, if not given"
    )
    parser.add_argument("--others", type=Path, nargs="*", default=[])
    parser.add_argument("--peculiar", type=Path, nargs="*", default=[])
    parser.add_argument("--minutes", type=float, default=60)
    asked = parser.parse_args()
    if asked.what == "scalers":
        if asked.uploads:
            scalers.measure(asked.uploads)
        print(scalers.told())
        return
    asked.uploads = asked.uploads or Path("memory-uploads")
    if asked.what == "fit":
        tell_fit(list(stored(asked.points)))
    elif asked.what == "ladder":
        ladder_costs.tell(asked.uploads)
    elif asked.what == "uhd":
        uhd.tell()
    elif asked.what == "variants":
        if len(asked.others) != 1:
            parser.error("variants are made of the films in one folder: give --others DIR")
        variants.make(asked.others[0], asked.uploads)
    elif asked.what == "seconds":
        seconds.measure(asked.others, asked.minutes)
        seconds.tell()
    else:
        measure(asked)


def tell_fit(points: list[Point]) -> None:
    seen = [p for p in points if p.part == "fit" and p.settings.ffmpeg == "bundled"]
    unseen = [p for p in points if p.part == "check"]
    others = [p for p in points if p.settings.ffmpeg == "system"]
    constants = fitting.fitted(seen)
    print("\n".join(fitting.constants_lines(constants)))
    print(fitting.told("fitted on", seen, constants))
    print(fitting.told("not seen", unseen, constants))
    if others:
        print(fitting.told(f"by another build, {others[0].build}", others, constants))
    print(fitting.told("not seen, by the installed model", unseen, TERMS_EACH))
    for name in sorted({point.pictures.codec for point in unseen}):
        print(
            "  " + fitting.told(name, [p for p in unseen if p.pictures.codec == name], TERMS_EACH)
        )


def measure(asked: argparse.Namespace) -> None:
    asked.uploads.mkdir(parents=True, exist_ok=True)
    known = {point.key for point in stored(asked.points)}
    until_s = time.monotonic() + 60 * asked.minutes
    for part, film, seed in _films(asked):
        try:
            upload = probe_upload(film)
        except ClipkitError as error:
            print(f"left out: {error}")
            continue
        pixels = upload.coded_width * upload.coded_height
        build = "system" if seed == "system" else "bundled"
        for plain, clip_s in drawn(film.name, pixels, _SEEDS[seed], _COUNTS[seed]):
            settings = replace(plain, ffmpeg=build)
            if time.monotonic() > until_s:
                print("the time is over; run it again to go on")
                return
            if Point.key_of(film.name, settings, clip_s) in known:
                continue
            point = measured(part, upload, settings, clip_s)
            store(point, asked.points)
            print(
                f"{point.anon_bytes / MIB:7.0f} MB, off by {point.error:+.1%}  {film.name} "
                f"{settings.changed() or Settings()}",
                flush=True,
            )


def _films(asked: argparse.Namespace) -> Iterator[tuple[str, Path, str]]:
    for recipe in FITTED:
        yield "fit", recipe.made(asked.uploads), "fit"
    for recipe in CHECKED:
        yield "check", recipe.made(asked.uploads), "check"
    for part, folders in (("fit", asked.peculiar), ("check", asked.others)):
        for folder in folders:
            for film in sorted(path for path in folder.iterdir() if path.is_file()):
                yield part, film, "check"
    for recipe in FITTED:
        yield "fit", recipe.made(asked.uploads), "system"


if __name__ == "__main__":
    main()
