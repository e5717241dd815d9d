"""What the environment says: read once, at start, and checked. Nothing else here reads it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, get_args

Seek = Literal["input", "output"]
Words = Literal["same", "sketched"]
UploadTo = Literal["disk", "memory", "tmp"]
Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast",
    "medium", "slow", "slower", "veryslow", "placebo",
]  # fmt: skip

# Python's int() takes "1_0", " 1" and other scripts' digits: a pattern first.
_WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)
_GIB = 1024**3
_MOST_THREADS = 128  # x264 takes no more
_MOST_CRF = 51

T = TypeVar("T")


class ConfigError(Exception):
    """A value that makes no sense: one line that names the variable."""

    def __init__(self, variable: str, what: str) -> None:
        super().__init__(f"{variable}: {what}")


@dataclass(frozen=True, slots=True)
class Settings:
    """The service's settings; None is "not set"."""

    bind: str
    port: int
    data_dir: Path
    ffmpeg: str
    max_concurrent: int
    seek: Seek
    preset: Preset
    crf: str | None
    encoder_threads: int
    decoder_threads: int | None
    argv: Words
    max_upload_bytes: int
    max_clips: int
    queue_limit: int
    clip_timeout_s: float
    stall_timeout_s: float
    keep_s: float
    upload_to: UploadTo


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Raises ConfigError for the first value that makes no sense."""
    read = _Reader(environment)
    return Settings(
        bind=read.text("BIND", "127.0.0.1"),
        port=read.whole("PORT", 3000, least=0, most=65535),
        data_dir=read.folder("DATA_DIR"),
        ffmpeg=read.program("FFMPEG", "ffmpeg"),
        max_concurrent=read.whole("MAX_CONCURRENT", 1, least=1, most=1000),
        seek=read.choice("SEEK", "input", get_args(Seek)),
        preset=read.choice("PRESET", "ultrafast", get_args(Preset)),
        crf=read.crf("CRF"),
        encoder_threads=read.whole("ENCODER_THREADS", 1, least=0, most=_MOST_THREADS),
        decoder_threads=read.whole_or_none("DECODER_THREADS", least=0, most=_MOST_THREADS),
        argv=read.choice("ARGV", "same", get_args(Words)),
        max_upload_bytes=read.whole("MAX_UPLOAD_BYTES", 2 * _GIB, least=1),
        max_clips=read.whole("MAX_CLIPS", 100, least=1),
        queue_limit=read.whole("QUEUE_LIMIT", 100, least=1),
        clip_timeout_s=read.seconds("CLIP_TIMEOUT_S", 600),
        stall_timeout_s=read.seconds("STALL_TIMEOUT_S", 60),
        keep_s=read.seconds("KEEP_S", 3600),
        upload_to=read.choice("UPLOAD_TO", "disk", get_args(UploadTo)),
    )


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str) -> str:
        value = self._environment.get(name, default)
        if not value or value != value.strip():
            raise ConfigError(name, f"{value!r} is empty or has blanks around it")
        return value

    def choice(self, name: str, default: T, known: tuple[T, ...]) -> T:
        value = self._environment.get(name, default)
        for one in known:
            if value == one:
                return one
        raise ConfigError(name, f"{value!r} is none of {', '.join(map(str, known))}")

    def whole(self, name: str, default: int, *, least: int, most: int = 10**15) -> int:
        value = self._environment.get(name)
        if value is None:
            return default
        if not _WHOLE.fullmatch(value) or not least <= int(value) <= most:
            raise ConfigError(name, f"{value!r} is no whole number from {least} to {most}")
        return int(value)

    def whole_or_none(self, name: str, *, least: int, most: int) -> int | None:
        if name not in self._environment:
            return None
        return self.whole(name, least, least=least, most=most)

    def seconds(self, name: str, default: float) -> float:
        value = self._environment.get(name)
        if value is None:
            return default
        if not _DECIMAL.fullmatch(value) or float(value) <= 0:
            raise ConfigError(name, f"{value!r} is no number of seconds above 0")
        return float(value)

    def crf(self, name: str) -> str | None:
        """As it was written: it becomes a word of ffmpeg's argv."""
        value = self._environment.get(name)
        if value is None:
            return None
        if not _DECIMAL.fullmatch(value) or float(value) > _MOST_CRF:
            raise ConfigError(name, f"{value!r} is no number from 0 to {_MOST_CRF}")
        return value

    def folder(self, name: str) -> Path:
        value = self._environment.get(name)
        if not value or value.isspace():
            raise ConfigError(name, "must name a folder for uploads and clips")
        return Path(value).absolute()

    def program(self, name: str, default: str) -> str:
        """Its absolute path: what was checked at start is what runs, wherever PATH leads later."""
        value = self.text(name, default)
        found = shutil.which(value)
        if found is None:
            raise ConfigError(name, f"{value!r} is no program that can be run")
        return str(Path(found).absolute())
