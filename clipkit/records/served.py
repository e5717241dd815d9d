"""What a trial of a service measured besides: further columns of `runs.jsonl`, null for other subjects,
whose lines leave them out.

A service's own memory is what cannot be dropped of its processes without its ffmpegs: anonymous, shared and
the kernel's; sampled ten times a second, and whenever the whole ceiling grows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any


def _column(meaning: str, **words: Any) -> Any:
    """`words`: what `columns.Column` holds besides."""
    return field(default=None, metadata={"meaning": meaning, **words})


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Bytes and seconds; a name ends in its unit. None is unknown, or no service cut the job."""

    service: str | None = _column(
        "which backend served the job, by its name in experiments/backends, or the name of a server of the "
        "user's own; null: no service did",
        key="service",
        missing="no service",
        speaks=True,
    )
    service_argv: str | None = _column(
        "its words for ffmpeg: same, one list for all services; sketched, those of the analysis' sketch "
        "for its language; or own, those of a user's own server",
        key="argv",
        title="ffmpeg's words",
    )
    service_environment: str | None = _column(
        "what else it was told by its environment, such as UPLOAD_TO=memory; null: nothing",
        key="environment",
        title="environment",
        missing="nothing else",
        speaks=True,
    )
    service_versions: str | None = _column("versions of its language and of its libraries")
    service_told_apart: str | None = _column(
        "who told its memory and CPU from its ffmpegs': the kernel, or the process tree (then without "
        "the kernel's memory, and roughly)"
    )
    service_ready_s: float | None = _column("from its start until it answered its health route")
    service_ready_cpu_s: float | None = _column("its own CPU until then")
    service_rest_s: float | None = _column(
        "how long it was left alone before each reading of its memory at rest"
    )
    service_rest_bytes: int | None = _column("its own memory at rest, before the first upload")
    service_upload_took_s: float | None = _column(
        "of the upload, from the client's first byte to the answer"
    )
    service_upload_cpu_s: float | None = _column("its own CPU meanwhile")
    service_upload_peak_bytes: int | None = _column("peak of its own memory meanwhile")
    service_fsync_s: float | None = _column(
        "how long it then took until its copy of the upload was on the disk"
    )
    service_clips_peak_bytes: int | None = _column(
        "peak of its own memory from the order to the job's end"
    )
    service_after_bytes: int | None = _column("its own memory at rest after the job")
    service_jobs: int | None = _column(
        "how many jobs it got in one life, those after the first of one short clip each"
    )
    service_later_bytes: int | None = _column(
        "its own memory at rest after the last of them; null: there was one job"
    )
    service_later_peak_bytes: int | None = _column("peak of its own memory from the first job on")
    service_cache_bytes: int | None = _column(
        "page cache charged to it then, which the kernel may drop: its copy of the upload, mostly"
    )
    service_upload_cached_fraction: float | None = _column(
        "of its copy of the upload, in the page cache before the job"
    )
    service_major_faults: int | None = _column(
        "pages that it and its ffmpegs waited for from disk, from the order to the job's end"
    )
    service_refaults: int | None = _column(
        "pages of files that had been dropped not long before and were read again meanwhile"
    )
    service_gaps_s: float | None = _column(
        "of wall_s, the time in which none of its ffmpegs was running, by the service's clock, or as seen "
        "from outside where it does not tell"
    )
    service_efficiency: float | None = _column(
        "CPU of service and ffmpegs / (wall_s * the cores that the quota or the machine gives)"
    )
    service_seen_s: float | None = _column(
        "from the order to the answer in which the client saw the job's end"
    )
    service_polls: int | None = _column("how often the client asked for the job meanwhile")
    service_health_hz: float | None = _column("probes of its health a second while the job ran")
    service_health_probes: int | None = _column("how many there were")
    service_health_failed: int | None = _column(
        "those without an answer, or with one that is no 2xx"
    )
    service_health_median_s: float | None = _column(
        "time to the answer from when each probe was due, median of those answered"
    )
    service_health_p95_s: float | None = _column("the same, 95th percentile")
    service_health_worst_s: float | None = _column("the same, longest")
    service_client_cpu_s: float | None = _column(
        "CPU of the process that drove and measured it, from the order to the job's end"
    )
    service_crowded: bool | None = _column(
        "whether the quota and that process together want more than the machine's cores less 0.1: then "
        "it was no host of that size; null: no quota"
    )
    service_launches: int | None = _column("ffmpegs that it started for clips, by the launcher")
    service_other_launches: int | None = _column(
        "its starts of ffmpeg for anything else: its version, its formats"
    )
    service_launch_lag_s: float | None = _column(
        "from a clip's start by the service's clock to the launcher's note of it, median; the notes are as "
        "fine as the file system's times, some milliseconds"
    )
    service_stop_s: float | None = _column("from SIGTERM to its end")
    service_exit_code: int | None = _column("what it ended with then; below 0: by that signal")
    service_oom_kills: int | None = _column(
        "of oom_kills, processes of the service itself; the others were its ffmpegs"
    )
    service_died: bool | None = _column("whether it ended by itself, or was killed, before SIGTERM")
    service_back_s: float | None = _column(
        "where it had died, from its next start until it answered again"
    )
    service_job_lost: bool | None = _column("whether it did not know the job in the end")
    service_client_told: str | None = _column(
        "what its client was told where the job did not end well"
    )

    @property
    def who(self) -> str | None:
        """`python`, `python as sketched`, `node, UPLOAD_TO=memory`; None where no service cut the job."""
        if self.service is None:
            return None
        told = f"{self.service} as sketched" if self.service_argv == "sketched" else self.service
        return ", ".join([told, *([self.service_environment] if self.service_environment else [])])


OF_SERVICES = frozenset(declared.name for declared in fields(Served))
"""The names of these columns."""
