"""What a plan needs of this host, found and checked before anything is run. Stdlib only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from clipkit import format as fmt
from clipkit.errors import FfmpegError, UploadError, UsageError
from clipkit.ffmpeg_builds import FfmpegBuild, find_build
from clipkit.hosts import Host
from clipkit.pack.there.asked import Asked
from clipkit.pack.there.found import look_around
from clipkit.pack.there.harness import Bench
from clipkit.pack.there.planned import Plan, PlannedCell, PlannedUpload
from clipkit.pack.there.start import UPLOADS
from clipkit.plan.threads import threads_of
from clipkit.settings import UsedSettings
from clipkit.trial.execute import cpus_for


def bench_for(plan: Plan, folder: Path, asked: Asked, machine: str) -> Bench:
    """Raises UsageError for an upload that is not named, UploadError for another film, FfmpegError where there is
    no ffmpeg that can cut."""
    uploads = uploads_here(plan.uploads, folder, asked.uploads)
    build = _build(plan, asked.ffmpeg)
    found, counters = look_around(asked.results, asked.memory_bytes, asked.cpus)
    host = Host(plan.host, found.memory.bytes, found.cpus.value)
    return Bench(
        plan=plan,
        folder=folder,
        results=asked.results,
        found=found,
        counters=counters,
        build=build,
        ffmpeg_sha256=_sha256(Path(build.path)),
        uploads=uploads,
        machine=machine,
        threads=threads_here(plan.cells, host),
    )


def threads_here(cells: Sequence[PlannedCell], host: Host) -> dict[int, int]:
    """By the numbers of those that leave threads open, how many of each kind a clip gets: as `clipkit cut` has it."""
    found = {}
    for cell in cells:
        if cell.open:
            used = UsedSettings.of({"cpu_percent": cell.open.cpu_percent})
            found[cell.number] = threads_of(cpus_for(host, used), cell.open.at_once)
    return found


def uploads_here(
    planned: Sequence[PlannedUpload], folder: Path, given: Sequence[Path]
) -> dict[str, Path]:
    """Where each lies, by its hash. Of what is given all is looked at: a film that is none of them was not meant."""
    found = {upload.sha256: folder / UPLOADS / upload.sha256 for upload in planned if upload.packed}
    sizes = {upload.size_bytes for upload in planned}
    known = {upload.sha256 for upload in planned}
    for path in given:
        try:
            sha256 = _sha256(path) if path.stat().st_size in sizes else None
        except OSError as error:
            raise UploadError(f"cannot read {path}: {error.strerror}") from None
        if sha256 not in known:
            wanted = "; ".join(f"{each.name}: {each.sha256}" for each in planned)
            raise UploadError(f"{path} is none of the films of this pack (by SHA-256: {wanted})")
        found[sha256] = path
    lacking = [upload for upload in planned if upload.sha256 not in found]
    if lacking:
        raise UsageError(
            f"{lacking[0].name} ({fmt.size(lacking[0].size_bytes)}) did not travel in the pack: copy it to "
            "this host and name it with --upload PATH"
        )
    return found


def _build(plan: Plan, choice: str) -> FfmpegBuild:
    try:
        build = find_build(choice)
        lacking = [name for name in plan.encoders if name not in build.encoders]
        lacking += [name for name in plan.filters if name not in build.filters]
    except FfmpegError as error:
        if choice != "system":
            raise
        raise FfmpegError(
            "no ffmpeg that runs is on this host's PATH: install the one that your service uses, or name it "
            f"with --ffmpeg PATH ({error})"
        ) from None
    if lacking:
        raise FfmpegError(
            f"{build.path} ({build.version}) lacks {', '.join(lacking)}: name another with "
            "--ffmpeg PATH"
        )
    return build


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
