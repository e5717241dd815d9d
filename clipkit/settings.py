"""The declaration of the knobs: every setting that decides how a job is cut, once.

Command line flags, TOML keys, columns, defaults and their documentation derive from `Settings`, which
is what our engine is asked for; `UsedSettings` is what was really used, as a record holds it.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any

from clipkit.documents import read_toml_file
from clipkit.errors import SettingsError
from clipkit.knob import Knob
from clipkit.legal import unknown_word
from clipkit.media.geometry import CROP_PATTERN

PRESETS = (
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
)

ZIMG = "zimg"
_LEFT_OPEN = (
    "0: ffmpeg decides, but a cut and a pack give each clip its share of the host's CPU, rounded up"
)


def _knob(default: Any, help: str, **bounds: Any) -> Any:
    return field(default=default, metadata={"help": help, **bounds})


def _picture(default: Any, help: str, **bounds: Any) -> Any:
    return _knob(default, help, picture=True, **bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a job is cut. Checked when made: raises SettingsError naming the legal values."""

    mode: str = _picture(
        "encode",
        "encode: re-encode the whole clip, exactly its frames; "
        "smart: exactly its frames too, but from the first key frame in it on copied, and re-encoded only "
        "before and where the last need others behind the end; "
        "copy: copy from the access point before the start, exactly the frames, those before them hidden; "
        "auto: the cheapest of these that is right for each clip, of copy only where hidden_preroll allows it; "
        "snap: copy from the key frame at or before the start, so a clip may begin seconds early",
        choices=("encode", "smart", "copy", "auto", "snap"),
    )
    seek: str = _knob(
        "input",
        "seek before the input (jump to the key frame), or after it (decode from the first frame)",
        choices=("input", "output"),
    )
    preset: str = _picture("ultrafast", "x264 preset", choices=PRESETS)
    crf: int = _picture(23, "x264 constant rate factor: lower is better and larger", low=0, high=51)
    concurrency: int = _knob(1, "clips cut at the same time", low=1, high=64)
    encoder_threads: int = _knob(1, f"x264 threads for each clip; {_LEFT_OPEN}", low=0, high=64)
    decoder_threads: int = _knob(1, f"decoder threads for each clip; {_LEFT_OPEN}", low=0, high=64)
    filter_threads: int = _knob(1, f"filter threads for each clip; {_LEFT_OPEN}", low=0, high=64)
    lookahead: int | None = _picture(
        None, "frames x264 looks ahead", low=0, high=250, absent="as the preset has it"
    )
    mbtree: bool | None = _picture(
        None, "x264 macroblock tree rate control", absent="as the preset has it"
    )
    bframes: int | None = _picture(
        None, "consecutive B-frames", low=0, high=16, absent="as the preset has it"
    )
    refs: int | None = _picture(
        None, "reference frames", low=1, high=16, absent="as the preset has it"
    )
    audio: str = _picture(
        "auto",
        "auto: copy AAC, re-encode the rest to AAC; aac: always re-encode; "
        "copy: keep it whatever it is; none: no sound",
        choices=("auto", "aac", "copy", "none"),
    )
    hdr: str = _picture(
        "sdr", "sdr: tone-map HDR uploads to SDR; keep: 10 bit HDR", choices=("sdr", "keep")
    )
    crop: str | None = _picture(
        None,
        "the part of the picture that clips show, as it is seen upright: the largest of a shape in the "
        "middle, or width:height:x:y in the upload's pixels",
        pattern=CROP_PATTERN,
        form="a shape such as 9:16 or 1:1, or width:height:x:y such as 608:1080:656:0",
        absent="all of it",
    )
    scale_height: int | None = _picture(
        None,
        "pixels in a clip's height, after the crop; the width follows, both are even, nothing is enlarged",
        low=16,
        high=8192,
        absent="as many as there are",
    )
    scaler: str = _picture(
        "swscale",
        "what makes a picture smaller. swscale: ffmpeg's usual one; zimg: the same kernel for less CPU, by an "
        "ffmpeg that has the filter zscale",
        choices=("swscale", ZIMG),
    )
    hidden_preroll: str = _knob(
        "refuse",
        "refuse: where clipkit chooses the mode, none that leaves pictures in the file which are not shown; "
        "allow: those too (--mode copy asks for them by itself)",
        choices=("refuse", "allow"),
    )
    together: str = _knob(
        "never",
        "clips of mode encode by one ffmpeg. never: an ffmpeg each; gop: those that share pictures between two key "
        "frames are decoded once, byte for byte as alone, for the memory of an encoder each",
        choices=("never", "gop"),
    )
    nice: int = _knob(
        0,
        "what is added to the priority of clips' processes: 19 yields to all others",
        low=0,
        high=19,
    )
    cpu_scheduling: str = _knob(
        "same",
        "of clips' processes. same: clipkit's own; idle: they run only when nobody else on the host wants the CPU "
        "(SCHED_IDLE), and make way at once",
        choices=("same", "idle"),
    )
    ionice: str = _knob(
        "same",
        "of clips' reading and writing. same: clipkit's own priority; low: behind others; idle: only when nobody "
        "else reads or writes",
        choices=("same", "low", "idle"),
    )
    cpu_percent: int = _knob(
        100,
        "of the host's CPU, what all clips together may take: the rest is there at any moment for a server beside "
        "them",
        low=5,
        high=100,
    )
    ffmpeg: str = _knob("bundled", "bundled (from pip), system (on the PATH), or a path to ffmpeg")

    def __post_init__(self) -> None:
        for knob in knobs():
            knob.check(getattr(self, knob.name))

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.changed().items())
        return f"Settings({told})"

    def changed(self) -> dict[str, Any]:
        """What differs from the defaults: name -> value."""
        return {k.name: v for k in knobs() if (v := getattr(self, k.name)) != k.default}

    @property
    def used(self) -> UsedSettings:
        """The same as a record holds them, where every one was followed."""
        return UsedSettings(tuple(getattr(self, knob.name) for knob in knobs()))


@dataclass(frozen=True, slots=True)
class UsedSettings:
    """The settings that a job was really cut with, an attribute each: `used.preset`.

    None is unknown, or not followed by what cut the job; of a knob that may be left to the preset it
    is that. `values` are in the order of the declaration.
    """

    values: tuple[Any, ...]

    @classmethod
    def of(cls, known: Mapping[str, Any]) -> UsedSettings:
        """From name -> value; what is not named is unknown."""
        return cls(tuple(known.get(knob.name) for knob in knobs()))

    def __getattr__(self, name: str) -> Any:
        place = _PLACES.get(name)
        if place is None:
            raise AttributeError(f"there is no setting '{name}'")
        return self.values[place]

    def __repr__(self) -> str:
        known = (f"{name} {value}" for name, value in self.items() if value is not None)
        return f"<UsedSettings {', '.join(known)}>"

    def changed_to(self, **values: Any) -> UsedSettings:
        """The same but for these."""
        return UsedSettings.of(dict(self.items()) | values)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Name and value of each, in the order of the declaration."""
        return zip(_PLACES, self.values, strict=True)

    def asked(self) -> Settings:
        """Settings that cut like this: what is unknown is at its default."""
        known = dict(self.items())
        return Settings(
            **{k.name: v for k in knobs() if (v := known[k.name]) is not None or k.absent}
        )


def knobs() -> tuple[Knob, ...]:
    """Every knob, in the order of the declaration."""
    return _KNOBS


def _declared() -> tuple[Knob, ...]:
    hints = typing.get_type_hints(Settings)
    found = []
    for declared in dataclasses.fields(Settings):
        hint = hints[declared.name]
        kinds = [kind for kind in typing.get_args(hint) or (hint,) if kind is not NoneType]
        found.append(Knob(declared.name, kinds[0], declared.default, **declared.metadata))
    return tuple(found)


_KNOBS = _declared()
_PLACES = {knob.name: place for place, knob in enumerate(_KNOBS)}
PICTURE = tuple(knob.name for knob in _KNOBS if knob.picture)
"""The settings that decide what the clips look and sound like: only alike ones are compared."""


def from_mapping(table: Mapping[str, Any], where: str) -> Settings:
    """Settings from a `[settings]` table; `where` names the file in errors.

    Raises SettingsError for an unknown key or an illegal value.
    """
    known = [knob.name for knob in knobs()]
    for key in table:
        if key not in known:
            raise SettingsError(f"{where}: [settings]: {unknown_word('key', key, known)}")
    try:
        return Settings(**table)
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from None


def load_settings(path: Path) -> Settings:
    """The `[settings]` table of a `clipkit.toml`. Raises SettingsError, naming the file."""
    return settings_in(read_toml_file(path, SettingsError), path)


def settings_in(document: Mapping[str, Any], path: Path) -> Settings:
    """The `[settings]` table of what was read from there. Raises SettingsError."""
    table = document.get("settings")
    if not isinstance(table, dict):
        raise SettingsError(f"{path} has no [settings] table")
    return from_mapping(table, str(path))


def to_table(settings: Settings) -> dict[str, Any]:
    """Every setting that has a value, as TOML can hold it (TOML has no null)."""
    return {k.name: v for k in knobs() if (v := getattr(settings, k.name)) is not None}
