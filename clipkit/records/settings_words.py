"""Settings in words, as the sentences of recommendations and verdicts have them. Pure."""

from __future__ import annotations

from clipkit.records.columns import column
from clipkit.settings import PICTURE, Settings, UsedSettings

Known = Settings | UsedSettings


def picture_words(settings: Known) -> str:
    """`ultrafast, CRF 23`, and what else of it is not the default: what decides the picture."""
    usual = Settings()
    others = [
        f"{name} {value}"
        for name in PICTURE
        if name not in ("preset", "crf")
        if (value := getattr(settings, name)) not in (None, getattr(usual, name))
    ]
    return ", ".join([str(settings.preset), f"CRF {settings.crf}", *others])


def how_words(settings: Known) -> str:
    """`2 at once, 1 encoder thread each`, and what else is not the default: what decides the time at
    the same picture."""
    usual, count = Settings(), settings.encoder_threads
    threads = f"{count} encoder thread{'s' if count and count > 1 else ''} each"
    told = [f"{settings.concurrency} at once", threads if count else "ffmpeg's own threads"]
    known = ("concurrency", "encoder_threads", *PICTURE)
    others = [name for name in _names(settings) if name not in known]
    return ", ".join(
        told
        + [
            f"{column(name).title} {value}"
            for name in others
            if (value := getattr(settings, name)) not in (None, getattr(usual, name))
        ]
    )


def _names(settings: Known) -> list[str]:
    used = settings.used if isinstance(settings, Settings) else settings
    return [name for name, _ in used.items()]
