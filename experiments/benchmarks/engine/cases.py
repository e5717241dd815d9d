"""Which jobs are measured: W1, and others that each differ in one thing from one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

SKETCH, FLUENT, XARGS, SMARTCUT, FLOOR = "sketch", "fluent", "xargs", "smartcut", "floor"
OURS = ("encode", "smart", "copy")
_ALL = (SKETCH, FLUENT, XARGS, SMARTCUT, FLOOR, *OURS)
_ENCODERS = (SKETCH, FLUENT, XARGS, "encode")


@dataclass(frozen=True)
class Case:
    """What is cut, and where. `film`: a sample's name, or one of `recipes`.

    `differs`: from which job in what. `once`: subjects that one run has to do for, as they are slow and only
    there to compare with; of `estimated` that is one clip. `widths`: of xargs, to choose from on runs of their own.
    `looked_at`: how many clips are compared with the upload.
    """

    differs: str
    film: str = "sample-720p-600s"
    clips: int = 12
    length_s: float = 12
    memory: str = "512M"
    cpus: float = 2
    framing: Mapping[str, str] = field(default_factory=dict)
    subjects: tuple[str, ...] = _ALL
    once: tuple[str, ...] = (SKETCH, SMARTCUT)
    estimated: tuple[str, ...] = (SKETCH,)
    widths: tuple[int, ...] = (2, 3)
    looked_at: int = 2


_USERS = Case("W1, but coded by x264's own settings: B-frames, groups up to 250", film="x264-720p")
_STARTER = Case("W1, on half a CPU (`render-starter`)", cpus=0.5, widths=(1, 2))


def _scaled(of: Case, name: str) -> Case:
    return _framed(of, "scale_height", "480", f"{name}, scaled to 480 lines")


def _cropped(of: Case, name: str) -> Case:
    return _framed(of, "crop", "9:16", f"{name}, cropped to 9:16")


def _framed(of: Case, setting: str, value: str, differs: str) -> Case:
    """Nothing can be copied then."""
    return replace(of, differs=differs, framing={setting: value}, subjects=_ENCODERS)


CASES: dict[str, Case] = {
    "w1": Case(
        "twelve clips of 12 s out of ten minutes of 720p, on 512 MB and 2 CPU",
        once=(),
        estimated=(),
        widths=(1, 2, 3, 4),
        looked_at=6,
    ),
    "30s": Case("W1, clips of 30 s", length_s=30),
    "60s": Case("W1, clips of 60 s, six of them", length_s=60, clips=6),
    "b-frames": _USERS,
    "1080p": replace(_USERS, film="x264-1080p", differs="`b-frames`, 1080p"),
    "4k": replace(
        _USERS,
        film="x264-2160p",
        clips=3,
        widths=(1, 2),
        looked_at=1,
        differs="`b-frames`, 2160p, three clips",
    ),
    "hevc": replace(_USERS, film="x265-720p", differs="`b-frames`, coded by x265's own settings"),
    "scaled": _scaled(Case(""), "W1"),
    "cropped": _cropped(Case(""), "W1"),
    "starter": _STARTER,
    "starter-scaled": _scaled(_STARTER, "`starter`"),
    "starter-cropped": _cropped(_STARTER, "`starter`"),
}
