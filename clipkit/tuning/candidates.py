"""Which settings are worth measuring, from the upload's facts and the host. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from clipkit.hosts import Host
from clipkit.media.upload import Upload
from clipkit.model.memory import clip_anon_bytes, least_bytes
from clipkit.settings import Settings

_MAX_CONCURRENCY = 4


def available_bytes(host: Host, reserve_bytes: int) -> int | None:
    """What the ceiling leaves for the job; None: unlimited."""
    return None if host.memory_bytes is None else host.memory_bytes - reserve_bytes


def cores_of(host: Host) -> int:
    """On how many cores clips can be cut at the same time there, as far as we try."""
    return min(_MAX_CONCURRENCY, math.ceil(host.cpus or _MAX_CONCURRENCY))


def likely_best(candidates: Sequence[Settings], host: Host) -> Settings:
    """By the law of queues: clips of one thread each, as many at once as there are cores. It is tried
    first; what is recommended is measured."""
    cores = min(cores_of(host), max(settings.concurrency for settings in candidates))
    single = [s for s in candidates if s.encoder_threads == 1 and s.decoder_threads == 1]
    return next((s for s in single if s.concurrency == cores), candidates[0])


def propose(
    uploads: tuple[Upload, ...], host: Host, reserve_bytes: int, fixed: Settings
) -> list[Settings]:
    """Settings to screen, the most cautious first.

    `fixed` holds what the user decided (preset, CRF, …): every candidate encodes alike, so that
    times compare equal pictures. Threads and concurrency vary. Where the preset's own frame
    buffers do not fit, candidates with a shorter lookahead, then fewer references, are added. What
    the memory model is sure cannot fit is left out, all but the most cautious one.
    """
    lean = [fixed]
    if not _fits(uploads, host, reserve_bytes, _single(fixed)):
        lookahead_off = replace(fixed, lookahead=0, mbtree=False)
        lean = [replace(lookahead_off, bframes=0, refs=1), lookahead_off, fixed]
    found: list[Settings] = []
    for base in lean:
        for candidate in _parallel(base, host):
            fits = _fits(uploads, host, reserve_bytes, candidate)
            if candidate not in found and (fits or not found):
                found.append(candidate)
    return found


def _single(base: Settings) -> Settings:
    return replace(
        base, seek="input", concurrency=1, encoder_threads=1, decoder_threads=1, filter_threads=1
    )


def _parallel(base: Settings, host: Host) -> list[Settings]:
    """One clip with one thread; more clips; more threads; and what ffmpeg chooses by itself."""
    single = _single(base)
    cores = cores_of(host)
    candidates = [single]
    # One more than there are cores fills the gaps between clips; further ones only take memory.
    candidates += [replace(single, concurrency=n) for n in range(2, cores + 2)]
    candidates.append(replace(single, decoder_threads=2))
    if cores > 1:
        candidates.append(replace(single, encoder_threads=2, decoder_threads=2))
        candidates.append(replace(single, concurrency=cores, decoder_threads=2))
    candidates.append(replace(single, encoder_threads=0, decoder_threads=0, filter_threads=0))
    return candidates


def _fits(uploads: tuple[Upload, ...], host: Host, reserve_bytes: int, candidate: Settings) -> bool:
    room = available_bytes(host, reserve_bytes)
    if room is None:
        return True
    needs = [clip_anon_bytes(upload, candidate) for upload in uploads]
    largest = max((need for need in needs if need is not None), default=0)
    return least_bytes(largest) * candidate.concurrency <= room
