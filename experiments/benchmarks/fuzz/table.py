"""What clipkit makes of every odd upload: right, refused with its words, or wrong, judged by the oracle.

    python experiments/benchmarks/fuzz/table.py [--media DIR] [--cases DIR] [--only WORD] [--ffmpeg BUILD] [--mode MODE]

`--media` is the folder of the shared uploads (default: CLIPKIT_MEDIA), `--cases` that of the small ones
with one fault each (default: `cases` beside it). Of each upload clips chosen by seed are cut, of the
cases those that their README names, with both builds, in every mode whose clips are exact: one that
copies may refuse. Ends with 1 where a clip is wrong, or a case did not come as it should.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import commanded
from copied import WAYS
from kinds import KINDS
from odder import ODDER
from oracle import REFUSED, RIGHT, Asked, Oracle, Verdict, judged

from clipkit.plan.modes import MODES

BUILDS = ("bundled", "system")
# Coding noise must not hide that a picture is its neighbour. Mode smart has a CRF of its own, at which the
# fastest preset lets slow fades stand still for some pictures. Without B-frames, since of a last picture that
# is not decoded last ffmpeg's muxer does not write how long it lasts.
QUALITY = (
    "--crf",
    "12",
    "--preset",
    "superfast",
    "--bframes",
    "0",
    "--concurrency",
    "2",
    "--timeout",
    "90",
)
_SEED = 12
# A minute of 1080p and more takes minutes to decode: of what is longer only the beginning is cut.
_LONGEST_S = 60


@dataclass(frozen=True, slots=True)
class Order:
    """One `cut`: the clips listed, or in words (`--count …`). `outcomes`: what may come of each clip."""

    upload: Path
    clips: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = (RIGHT,)

    @property
    def name(self) -> str:
        told = " ".join(self.words) or " ".join(",".join(clip) for clip in self.clips)
        return f"{self.upload.name} {told}"


@dataclass(frozen=True, slots=True)
class Row:
    """What came of an order with one build in one mode; `cut_in`: how its clips say that they were cut."""

    order: Order
    build: str
    mode: str
    cut_in: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    left: tuple[str, ...]

    @property
    def wrong(self) -> bool:
        may = {*self.order.outcomes, *((REFUSED,) if WAYS[self.mode].copies else ())}
        return bool(self.left) or any(one.outcome not in may for one in self.verdicts)

    def __str__(self) -> str:
        told = "; ".join(dict.fromkeys(map(str, self.verdicts)))
        left = "".join(f"; left behind: {what}" for what in self.left)
        mark = "!!" if self.wrong else "  "
        how = (
            self.mode
            if set(self.cut_in) <= {self.mode}
            else f"{self.mode}: {'+'.join(self.cut_in)}"
        )
        return f"{mark} {self.build:<8} {how:<7} {self.order.name:<55} {told}{left}"


def cases(folder: Path) -> list[Order]:
    """The clips of the cases' own README, and what is right of each."""

    def case(name: str, *clips: str, words: tuple[str, ...] = (), may: tuple = (RIGHT,)) -> Order:
        listed = tuple(tuple(clip.split(",")) for clip in clips)
        return Order(folder / name, listed, words, may)

    return [
        case("size_changes.mkv", "2.5,1"),
        case("size_changes.ts", "2.5,1", "3.04,0.6"),
        case("colour_tags_change.mkv", "2.5,1"),
        case("aspect_changes.ts", "4.5,0.5"),
        case("pq_without_primaries.mp4", "1,1"),
        case("sound_16_channels.mov", "1,0.5"),
        case("two_frames_one_time.mkv", "0.5,1"),
        case("clock_restarts.ts", "1,1", "5,1", may=(RIGHT, REFUSED)),
        case("first_sound_undecodable.mp4", "1,0.5"),
        case("still_screen.mp4", "10,5"),
        case("still_screen.mp4", words=("--count", "12", "--length", "1")),
        case("still_screen.mp4", "39.8,6", may=(REFUSED,)),
        case("two_programmes.ts", "1,1"),
    ]


def media(folder: Path, seed: int = _SEED) -> Iterator[Order]:
    """Of each upload three short clips that a generator chooses, within what it shows."""
    for path in sorted(folder.iterdir()):
        if path.suffix != ".json":
            yield chosen(path, seed)


def of_kinds(folder: Path, only: str, seed: int = _SEED) -> Iterator[Order]:
    """More of each kind (`kinds.py`, `odder.py`), each made when it is its turn."""
    for number, (name, make) in enumerate((KINDS | ODDER).items()):
        if only in name:
            place = folder / f"{number}"
            place.mkdir()
            path = make(place)
            yield chosen(path.rename(place / name), seed)


def chosen(path: Path, seed: int) -> Order:
    """Three clips of an upload by seed and name, the last from a picture's own time on, as near as
    milliseconds are, and one across its middle, where parts meet; where it shows nothing, one that is
    to be refused."""
    generator = random.Random(f"{seed} {path.name}")
    oracle = Oracle(path, until_s=_LONGEST_S)
    (film, *_) = oracle.films or [None]
    if film is None:
        return Order(path, (("0", "0.5"),), outcomes=(REFUSED,))
    first_s = float(film.pictures[0].at)
    room_s = min(float(film.end), _LONGEST_S) - first_s
    clips = []
    for number in range(3):
        length_s = min(generator.uniform(0.3, 1.2), room_s * 0.8)
        start_s = first_s + generator.uniform(0, room_s - length_s)
        if number == 2:
            start_s = max(float(one.at) for one in film.pictures if one.at <= start_s)
        clips.append((f"{max(0.0, start_s):.3f}", f"{length_s:.3f}"))
    clips.append((f"{first_s + room_s * 0.42:.3f}", f"{min(1.0, room_s * 0.2):.3f}"))
    # Damage, times out of order and a clock that jumps may be refused too: in one line, which the oracle asks for.
    may = (RIGHT, REFUSED) if oracle.uncertain or film.jumps else (RIGHT,)
    return Order(path, tuple(clips), outcomes=may)


def ask(order: Order, build: str, oracle: Oracle | None = None, mode: str = "encode") -> Row:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        words = order.words
        if order.clips:
            listed = folder / "clips.csv"
            lines = "".join(f"{start},{duration}\n" for start, duration in order.clips)
            listed.write_text(f"start_s,duration_s\n{lines}")
            words = ("--clips", os.fspath(listed))
        out = folder / "out"
        how = ("--ffmpeg", build, "--mode", mode, *QUALITY)
        command = ("cut", "--out", os.fspath(out), "--json", *how, *words)
        ran = commanded.clipkit([*command, "--", os.fspath(order.upload)], folder, limit_s=180)
        clips = order.clips
        if not clips and ran.manifest:
            clips = tuple((c["start_s"], c["duration_s"]) for c in ran.manifest["clips"])
        asked = [Asked.of(*clip) for clip in clips or (("0", "1"),)]
        oracle = oracle or Oracle(order.upload, max(float(one.end) for one in asked) + 3)
        verdicts = judged(oracle, asked, ran.manifest, ran.told, mode)
        cut = (
            [c["mode"] for c in ran.manifest["clips"] if c["status"] == "ok"]
            if ran.manifest
            else []
        )
        left = (*ran.left, *commanded.left_in(out, ran))
        return Row(order, build, mode, tuple(dict.fromkeys(cut)), tuple(verdicts), left)


def main() -> None:
    parser = argparse.ArgumentParser(description="Odd uploads, judged.")
    parser.add_argument("--media", type=Path, default=os.environ.get("CLIPKIT_MEDIA"))
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--kinds", action="store_true", help="also more of each kind, made here")
    parser.add_argument("--seed", type=int, default=_SEED, help=f"default {_SEED}")
    parser.add_argument(
        "--only", default="", metavar="WORD", help="uploads with that in their name"
    )
    parser.add_argument("--ffmpeg", choices=BUILDS, action="append", help="default: both")
    modes = [mode for mode in WAYS if mode in MODES]
    parser.add_argument("--mode", choices=modes, action="append", help="default: all of them")
    given = parser.parse_args()
    folder = given.cases or (given.media.parent / "cases" if given.media else None)
    orders = [*(cases(folder) if folder and folder.is_dir() else ())]
    orders += media(given.media, given.seed) if given.media and given.media.is_dir() else ()
    if not orders and not given.kinds:
        parser.error("no uploads: give --media, --cases or --kinds")
    wrong = 0
    with tempfile.TemporaryDirectory() as temporary:
        made = of_kinds(Path(temporary), given.only, given.seed) if given.kinds else ()
        for order in itertools.chain((o for o in orders if given.only in o.upload.name), made):
            oracle = None
            if order.clips:
                oracle = Oracle(
                    order.upload, max(float(Asked.of(*one).end) for one in order.clips) + 3
                )
            for build, mode in itertools.product(given.ffmpeg or BUILDS, given.mode or modes):
                row = ask(order, build, oracle, mode)
                wrong += row.wrong
                print(row, flush=True)
    print(f"{wrong} not as they should be")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
