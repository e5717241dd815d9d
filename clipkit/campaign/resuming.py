"""What a campaign's folder is told when a session begins, and whether what is there may be gone on with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from clipkit import ffmpeg_builds, files
from clipkit.campaign import environment
from clipkit.campaign.alike import footing_means, limit_means, means_of, unlike
from clipkit.campaign.design import Design
from clipkit.campaign.experiment import Experiment
from clipkit.campaign.hosting import Stand
from clipkit.errors import CampaignError
from clipkit.hosts import Host
from clipkit.media.upload import Upload
from clipkit.records import folder as folders
from clipkit.records.folder import ENVIRONMENT, EXPERIMENT, UPLOADS
from clipkit.records.record import Record
from clipkit.records.store import Store
from clipkit.trial.machine import host_id
from clipkit.trial.unchanged import Footing

Uploads = Sequence[tuple[str, Upload]]
"""Each with the experiment's word for it."""


def check_alike(
    laid_out: Design,
    uploads: Uploads,
    past: Sequence[Record],
    folder: Path,
    stands: Mapping[Host, Stand],
) -> None:
    """Only what was measured alike (`campaign.alike`), on the same films, belongs into one campaign.
    Raises CampaignError, which says what to do."""
    if not past:
        return
    _check_films(uploads, folder)
    if not {record.cell for record in past} & laid_out.words.keys():
        raise CampaignError(
            f"{folder} holds another experiment, no cell is the same: choose a name with --as"
        )
    now = {
        ("ffmpeg", choice): {ffmpeg_builds.find_build(choice).version}
        for choice in {cell.settings.ffmpeg for cell in laid_out.cells}
    }
    now |= {("ceiling", host.name): {str(stand.mechanism)} for host, stand in stands.items()}
    footing, machine = Footing.now(), host_id()
    now |= footing_means(machine, *astuple(footing))
    for host, stand in stands.items():
        place = f"{host.name} {machine}"
        now |= limit_means(place, stand.enforced.memory_bytes, stand.enforced.cpus)
    if what := unlike(means_of(past), now):
        raise CampaignError(
            f"{folder} was measured with {what}: unlike runs are not mixed, choose a name with --as"
        )


def describe(
    experiment: Experiment,
    laid_out: Design,
    uploads: Uploads,
    store: Store,
    stands: Mapping[Host, Stand],
) -> None:
    """What is asked, where and on what: written into the campaign's folder. Without `stands` another one tells
    where: it is not this machine that measures."""
    store.write(EXPERIMENT, experiment.text)
    store.describe(uploads=upload_facts(uploads, _earlier(store.folder)))
    if not stands:
        return
    choices = sorted({cell.settings.ffmpeg for cell in laid_out.cells})
    builds = [ffmpeg_builds.find_build(choice) for choice in choices]
    is_described = files.has_entry(store.folder, ENVIRONMENT)
    earlier = [folders.read_environment_file(store.folder)] if is_described else []
    mechanisms = sorted({str(stand.mechanism) for stand in stands.values()})
    facts = environment.describe_environment(builds, ", ".join(mechanisms))
    store.describe(environment=environment.joined_environments(*earlier, facts))


def upload_facts(uploads: Uploads, earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Of each upload by its name, as a campaign's folder holds them, with those that an earlier experiment had included."""
    probed = {upload.sha256 for _, upload in uploads}
    found = {name: facts for name, facts in earlier.items() if facts.get("sha256") not in probed}
    return found | {name: upload.facts() for name, upload in _named(uploads, found)}


def _named(uploads: Uploads, others: Mapping[str, Any]) -> list[tuple[str, Upload]]:
    """By the file's name, or where that is not its alone by the experiment's word for it."""
    names = Counter([*(upload.name for _, upload in uploads), *others])
    return [(u.name if names[u.name] == 1 else word, u) for word, u in uploads]


def _earlier(folder: Path) -> dict[str, Any]:
    return folders.read_uploads(folder) if files.has_entry(folder, UPLOADS) else {}


def _check_films(uploads: Uploads, folder: Path) -> None:
    """No name may stand for another film than before: replaced, or exchanged for another one."""
    known = _earlier(folder)
    for name, upload in _named(uploads, {}):
        before = known.get(name, {}).get("sha256")
        if before not in (None, upload.sha256):
            raise CampaignError(
                f"{upload.path} is another film than the one that {folder} was measured on: put the earlier "
                "one back, or choose a name with --as"
            )
