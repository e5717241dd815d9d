"""Which variants are the original as the analysis describes it, as a command and as a service. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clipkit.claims.evidence import Runs
from clipkit.claims.verdict import Variant

Variants = Mapping[Variant, Runs]

PRESET = "ultrafast"
"""The original's."""
READINGS = ("fluent", "sketch")
"""The two ways to read the original's command line: where it seeks before the input, and after it."""
SERVICE = "node"
"""The original's own service."""


def originals(variants: Variants) -> Iterator[Variant]:
    """The original's command alone: one clip at a time, one thread, `ultrafast`."""
    for variant in variants:
        s = variant.settings
        if (variant.subject, s.preset, s.concurrency, s.encoder_threads) == (
            "fluent",
            PRESET,
            1,
            1,
        ):
            yield variant


def set_up_alike(variants: Variants, service: str, at_once: int = 1) -> Iterator[Variant]:
    """A service set up as the original is, but for how many clips run at the same time."""
    for variant in variants:
        s = variant.settings
        told = (s.preset, s.seek, s.encoder_threads, s.concurrency)
        if (variant.service, variant.is_plain) == (service, True) and told == (
            PRESET,
            "input",
            1,
            at_once,
        ):
            yield variant
