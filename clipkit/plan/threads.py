"""How many threads a clip gets where its settings leave that to ffmpeg, which would count the machine's cores
and not what a quota leaves of them. Pure, and of the standard library alone: a pack fills them in on its host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from typing import Any

from clipkit.settings import Settings

MOST_SHARED = 16
"""As many as ffmpeg's decoders take at most; from 4 to 8 of x264's on, 1080p got no quicker, only larger."""
_KINDS = ("encoder_threads", "decoder_threads", "filter_threads")


def threads_of(cpus: float, at_once: int) -> int:
    """Of each kind, for one of so many clips at once: its share of the CPU, rounded up."""
    return min(MOST_SHARED, max(1, ceil(cpus / at_once)))


def open_threads(known: Mapping[str, Any]) -> tuple[str, ...]:
    """Which kinds of them are left to ffmpeg, by the names and values of settings."""
    return tuple(name for name in _KINDS if known[name] == 0)


def told_threads(settings: Settings, threads: int) -> Settings:
    """The settings with so many wherever there was no number; what was asked for stays."""
    known = {name: getattr(settings, name) for name in _KINDS}
    told: dict[str, Any] = dict.fromkeys(open_threads(known), threads)
    return replace(settings, **told)


def with_threads(settings: Settings, cpus: float, clips: int) -> Settings:
    """The settings for so many clips, each with its share of the CPU."""
    return told_threads(settings, threads_of(cpus, min(settings.concurrency, clips)))
