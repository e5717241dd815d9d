"""How many threads a clip gets where its settings leave that to ffmpeg, which would count the machine's cores
and not what a quota leaves of them. Pure."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from clipkit.settings import Settings

_ENOUGH = 16
"""As many as ffmpeg's decoders take at most; from 4 to 8 of x264's on, 1080p got no quicker, only larger."""


def threads_of(cpus: float, at_once: int) -> int:
    """Of each kind, for one of so many clips at once: its share of the CPU, rounded up."""
    return min(_ENOUGH, max(1, ceil(cpus / at_once)))


def with_threads(settings: Settings, cpus: float, clips: int) -> Settings:
    """The settings for so many clips with a number of threads wherever there was none; what was asked for stays."""
    threads = threads_of(cpus, min(settings.concurrency, clips))
    return replace(
        settings,
        encoder_threads=settings.encoder_threads or threads,
        decoder_threads=settings.decoder_threads or threads,
        filter_threads=settings.filter_threads or threads,
    )
