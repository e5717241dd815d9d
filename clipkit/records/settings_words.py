"""Settings in words, as the sentences of recommendations and verdicts have them. Pure."""

from __future__ import annotations

from clipkit.records.columns import column
from clipkit.settings import PICTURE, Settings, UsedSettings

Known = Settings | UsedSettings


def picture_words(settings: Known) -> str:
    """`ultrafast, CRF 23`, and what else of it is not the default: what decides the picture."""
    usual = Settings()
    others = [
        f"{column(name).title} {value}"
        for name in PICTURE
        if name not in ("preset", "crf")
        if (value := getattr(settings, name)) not in (None, getattr(usual, name))
    ]
    return ", ".join([str(settings.preset), f"CRF {settings.crf}", *others])


def how_words(settings: Known, encodes: bool = True) -> str:
    """`2 at once, 1 encoder thread each`, and what else is not the default: what decides the time at
    the same picture. `encodes`: whether any picture is, else nobody needs threads for it."""
    usual = Settings()
    threads = [_threads_words(settings)] if encodes else []
    known = ("concurrency", *_THREADS, *PICTURE)
    others = [name for name in _names(settings) if name not in known]
    return ", ".join(
        [f"{settings.concurrency} at once", *threads]
        + [
            f"{column(name).title} {value}"
            for name in others
            if (value := getattr(settings, name)) not in (None, getattr(usual, name))
        ]
    )


_THREADS = ("encoder_threads", "decoder_threads", "filter_threads")


def _threads_words(settings: Known) -> str:
    """`1 encoder thread each`; further kinds where they are not one; 0 is left to ffmpeg, as the threads
    of filters are where nothing else is said."""
    counts = {name: getattr(settings, name) for name in _THREADS}
    if not any(counts.values()):
        return "ffmpeg's own threads"
    usual = {"encoder_threads": (), "decoder_threads": (None, 1), "filter_threads": (None, 0, 1)}
    told = {name: count for name, count in counts.items() if count not in usual[name]}
    return ", ".join(_count_words(name.partition("_")[0], n) for name, n in told.items()) + " each"


def _count_words(kind: str, count: int | None) -> str:
    if not count:
        return f"ffmpeg's own {kind} threads"
    return f"{count} {kind} thread{'s' if count > 1 else ''}"


def _names(settings: Known) -> list[str]:
    used = settings.used if isinstance(settings, Settings) else settings
    return [name for name, _ in used.items()]
