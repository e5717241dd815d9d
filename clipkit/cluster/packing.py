"""A block as what travels: a pack of its trials, which a ceiling holds there to the hosts that they are for."""

from __future__ import annotations

import dataclasses
import datetime
import io
import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from clipkit import __version__
from clipkit.campaign.strategy import WARMUP, Cell
from clipkit.cluster.parcel import Parcel
from clipkit.media.upload import Upload
from clipkit.pack.archive import MAIN_OF_A_BLOCK, Film, compressed_films, fill_archive
from clipkit.pack.plan import Laid, as_documents, cell_document, needed_of_ffmpeg
from clipkit.pack.there.block import BLOCK, BlockTrial
from clipkit.pack.there.parts import KEY_BYTES
from clipkit.pack.there.planned import FORM, PLAN
from clipkit.trial.asked import Trial
from clipkit.trial.canary import canary_s


@dataclass(frozen=True, slots=True)
class Packing:
    """`every`: a trial of each cell, by which a machine is asked whether it can hold them. `ceiling`: the one that the
    user forces; `films`: compressed once for all blocks."""

    every: Sequence[Trial]
    ceiling: str | None
    accept_noise: bool
    films: Sequence[Film]
    canary_s: float

    def look(self) -> Parcel:
        """It asks for each host's ceiling, and for each film and all that an ffmpeg needs to cut it."""
        asked = {(t.host, t.job.upload.sha256, t.settings.mode): t for t in self.every}
        return self._parcel(list(asked.values()), look=True)

    def block(self, trials: Sequence[Trial]) -> Parcel:
        """Warm-ups are made there, by what is run there."""
        return self._parcel([t for t in trials if t.identity.phase != WARMUP], look=False)

    def _parcel(self, trials: Sequence[Trial], *, look: bool) -> Parcel:
        cells = {trial.identity.cell: trial for trial in trials}
        numbers = {name: number for number, name in enumerate(cells)}
        documents = [
            cell_document(
                Laid(numbers[name], _cell(trial), name, trial.identity.campaign, None), trial.build
            )
            for name, trial in cells.items()
        ]
        heads, works = as_documents(documents)
        encoders, filters = needed_of_ffmpeg(documents)
        used = {trial.job.upload.sha256 for trial in trials}
        films = [film for film in self.films if film.upload.sha256 in used]
        first = trials[0]
        plan = {
            "form": FORM,
            "pack": secrets.token_hex(6),
            "key": secrets.token_hex(KEY_BYTES),
            "campaign": first.identity.campaign,
            "host": first.host.name,
            "packed_utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "clipkit_version": __version__,
            "ffmpeg_version": first.build.version,
            "canary_s": self.canary_s,
            "uploads": [dataclasses.asdict(film.planned) for film in films],
            "cells": heads,
            "trials": [[numbers[t.identity.cell], t.identity.block] for t in trials],
            "quantiles": {},
            "encoders": encoders,
            "filters": filters,
            "promise": None,
        }
        order = {
            "look": look,
            "ceiling": self.ceiling,
            "ffmpeg": first.settings.ffmpeg,
            "films": [str(each.upload.path.resolve()) for each in films if each.packed is None],
            "trials": [self._told(trial) for trial in trials],
        }
        file = io.BytesIO()
        told = {PLAN: json.dumps(plan), BLOCK: json.dumps(order)}
        fill_archive(file, MAIN_OF_A_BLOCK, told, works, [] if look else films)
        return Parcel(file.getvalue())

    def _told(self, trial: Trial) -> dict[str, Any]:
        identity, host = trial.identity, trial.host
        return dataclasses.asdict(
            BlockTrial(
                run_id=identity.run_id,
                order=identity.order,
                attempt=identity.attempt,
                host=host.name,
                memory_bytes=host.memory_bytes,
                cpus=host.cpus,
                swap_bytes=trial.host.swap_bytes,
                reserve_bytes=trial.reserve_bytes,
                accept_noise=trial.accept_noise or self.accept_noise,
            )
        )


@contextmanager
def packing(every: Sequence[Trial], ceiling: str | None, accept_noise: bool) -> Iterator[Packing]:
    """A film that is too large to travel is looked for on each machine, under the path that it has here, and known by
    its hash."""
    uploads: dict[str, Upload] = {trial.job.upload.sha256: trial.job.upload for trial in every}
    with compressed_films(list(uploads.values())) as films:
        yield Packing(every, ceiling, accept_noise, films, canary_s())


def _cell(trial: Trial) -> Cell:
    return Cell(
        phase=trial.identity.phase,
        subject=trial.subject,
        settings=trial.settings,
        job=trial.job,
        host=trial.host,
        reserve_bytes=trial.reserve_bytes,
        block=trial.identity.block,
        timeout_s=trial.timeout_s,
        known_as=trial.identity.cell,
    )
