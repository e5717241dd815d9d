"""What one trial measured: the columns of `runs.jsonl`, declared once, with their meaning and words.

Bytes and seconds, unrounded; a name ends in its unit. None is unknown, never 0. To add a column: a
field here, which `trial` fills; rows that were written before have None there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clipkit import format as fmt
from clipkit.records.need import HIDDEN_WORDS, may_be_hidden, need_bytes
from clipkit.records.served import OF_SERVICES, Served
from clipkit.records.status import Status
from clipkit.settings import UsedSettings, knobs
from clipkit.tables import Table

SCHEMA_VERSION = 2
"""1: `throttled_s` was a sum over CPUs."""


def _column(meaning: str, **words: Any) -> Any:
    """`words`: what `columns.Column` holds besides: key, title, missing, speaks."""
    return field(metadata={"meaning": meaning, **words})


def _measured(meaning: str) -> Any:
    return field(default=None, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One trial. `settings` is flattened into one column a knob by `to_row`; they are what was really
    used, where `Settings` is what our engine is asked for. `served` is flattened too."""

    run_id: str = _column("unique name of this attempt")
    campaign: str = _column("the campaign's name")
    cell: str = _column("stable name of the combination of levels")
    block: int = _column("which repeat of the design, from 0")
    order: int = _column("position in the campaign's running order, from 0")
    attempt: int = _column("1, or higher where an earlier attempt was invalid or cancelled")
    phase: str = _column(
        "what it was run for: first, screen, baseline, confirm, quality, or a sweep's grid"
    )
    subject: str = _column(
        "what cut the job: clipkit, sketch, fluent, moviepy, service, command, or changed: that command with other settings put in",
        key="subject",
        speaks=True,
    )
    command: str | None = _column(
        "the user's own command line, with its placeholders, also where it was changed; null: cut by another subject"
    )
    status: Status = _column("how it ended")
    error: str | None = _column("why it failed, in words")
    ceiling: str = _column("which mechanism held the job to its limits", speaks=True)
    host: str = _column("name of the host", key="host", speaks=True)
    memory_limit_bytes: int | None = _column(
        "the host's memory; null: no limit",
        key="memory",
        title="memory ceiling",
        missing="no memory limit",
        speaks=True,
    )
    cpu_quota: float | None = _column(
        "cores the job might use; null: no limit",
        key="cpus",
        title="CPU quota",
        missing="unlimited CPU",
        speaks=True,
    )
    reserve_bytes: int = _column(
        "memory occupied for the user's own server, inside the ceiling",
        key="reserve",
        title="reserve",
    )
    usd_per_month: float | None = _column("the host's price")
    enforced_memory_bytes: int | None = _measured(
        "the memory limit that held: the host's, or a surrounding group's; null: none, or not recorded"
    )
    enforced_cpus: float | None = _measured("the CPU quota that held, likewise")
    cores_allowed: int | None = _measured("cores that clipkit might use here (its affinity)")
    harness_nice: int | None = _measured(
        "the priority that it handed on: 0, or more where it was made nice"
    )
    python_version: str | None = _measured("of the Python that ran clipkit and its engine")
    timeout_s: float | None = _measured("the time limit of the job")
    settings: UsedSettings = _column("how the job was cut")
    video_encoder: str | None = _measured(
        "what encoded the pictures, as the command's words state it; null: not stated, or copied"
    )
    bitrate_bps: int | None = _measured(
        "the pictures' bit rate that the command's words state; null: none stated"
    )
    filters: str | None = _measured(
        "the picture filters that the command's words state; null: none stated"
    )
    upload_sha256: str = _column("which upload", title="upload", speaks=True)
    width: int = _column("as shown, after rotation")
    height: int = _column("as shown, after rotation")
    fps: float = _column("mean frame rate")
    codec: str = _column("of the upload's video")
    bit_depth: int = _column("bits a sample")
    gop_s: float = _column("mean time between the upload's key frames")
    upload_s: float = _column("length of the upload")
    clips: int = _column("clips in the job that was run", key="clips", title="clips of the job")
    clip_s: float = _column("length of each clip, mean", key="length_s", title="clip length")
    clips_seed: int | None = _column("seed of random starts; null: spread evenly or listed")
    clip_starts_s: tuple[float, ...] = _column("where each clip starts")
    clip_wall_s: tuple[float, ...] = _column("wall time of each clip, in the same order")
    clip_cpu_s: tuple[float, ...] = _column(
        "CPU time of each clip's own processes, in the same order; empty where only their sum is known"
    )
    wall_s: float | None = _measured(
        "from the first task accepted to the last clip in place; of a service, by its own clock from the "
        "order to the end of the last ffmpeg"
    )
    first_clip_s: float | None = _measured("the same until the first clip")
    orchestrator_cpu_s: float | None = _measured(
        "CPU of the engine's own process; of a service, of all that is no ffmpeg, from the order on"
    )
    ffmpeg_cpu_s: float | None = _measured(
        "CPU of all clips' own processes, by wait4: ffmpegs, or copies of the engine (`by_engine`); of a "
        "service's by their part of the ceiling"
    )
    throttled_s: float | None = _measured(
        "of wall_s, the time for which the CPU quota held the job back, sampled; null in schema 1"
    )
    supplied_cores: float | None = _measured(
        "cores that it was given while its quota held it back, sampled; where that fell on the way, before; null: "
        "it was not held back, or not recorded"
    )
    supplied_cores_end: float | None = _measured("the same behind the fall; null: it did not fall")
    clips_per_min: float | None = _measured("clips / wall_s * 60")
    peak_anon_bytes: int | None = _measured(
        "peak anonymous memory in the ceiling, orchestrator included, reserve excluded, sampled"
    )
    peak_shmem_bytes: int | None = _measured("peak shared memory, sampled")
    peak_kernel_bytes: int | None = _measured("peak kernel memory charged to the job, sampled")
    peak_cache_bytes: int | None = _measured("peak page cache charged to the job, sampled")
    peak_cgroup_bytes: int | None = _measured("the kernel's high-water mark, page cache included")
    peak_bound_bytes: int | None = _measured(
        "the need was at least this for a moment: the kernel's mark less page cache and reserve"
    )
    swap_growth_bytes: int | None = _measured(
        "by how much more was swapped out at most than when it began, sampled; null: not known here"
    )
    peak_rss_sum_bytes: int | None = _measured("peak sum of RSS; counts shared pages repeatedly")
    peak_pss_sum_bytes: int | None = _measured("peak sum of PSS; counts shared pages once")
    orchestrator_peak_rss_bytes: int | None = _measured("the engine's own VmHWM")
    ffmpeg_peak_rss_bytes: int | None = _measured(
        "largest peak RSS of one clip's own process, by wait4"
    )
    oom_kills: int | None = _measured("processes that the kernel killed at the ceiling")
    output_bytes: int | None = _measured("size of all clips")
    clip_modes: str | None = _measured(
        "the mode that each clip was cut in in the end, in the same order, with commas between; null: not cut "
        "by clipkit's own plan, or not recorded"
    )
    encoded_frames: int | None = _measured(
        "of all clips, how many of their frames were encoded and not copied; null: likewise"
    )
    vmaf: float | None = _measured("quality against the upload; null: not measured")
    started_utc: str = _column("ISO 8601")
    clipkit_version: str = _column("version of clipkit")
    ffmpeg_version: str = _column("first line of ffmpeg -version", speaks=True)
    ffmpeg_sha256: str | None = _measured("of the file of ffmpeg itself, without its libraries")
    host_id: str = _column(
        "stable name of the machine and its kernel", title="machine", speaks=True
    )
    upload_cached_fraction: float | None = _measured("of the upload, in the page cache before")
    load_before: float | None = _measured("1 minute load average before the trial")
    steal_fraction: float | None = _measured("CPU time stolen by the hypervisor, of all cores")
    cpu_pressure_fraction: float | None = _measured("share of the time some task waited for a CPU")
    other_cpu_fraction: float | None = _measured(
        "CPU used by others than the job and its harness, of all cores; where harness_cpu_s is null, "
        "the harness is among them"
    )
    harness_cpu_s: float | None = _measured("CPU of the process that measured, during the trial")
    harness_peak_anon_bytes: int | None = _measured(
        "the most anonymous memory that it held meanwhile, sampled; null: not on a real host, where alone that "
        "is the host's memory too"
    )
    canary_before_s: float | None = _measured(
        "CPU seconds of a fixed piece of work, right before the trial: the machine's speed"
    )
    canary_after_s: float | None = _measured("the same right after the trial")
    served: Served = field(default=Served(), metadata={"meaning": "of a service"})

    def to_row(self) -> dict[str, Any]:
        """One flat JSON object: a line of `runs.jsonl`. What only services have is there for services."""
        row: dict[str, Any] = {"schema_version": SCHEMA_VERSION}
        for declared in dataclasses.fields(self):
            value = getattr(self, declared.name)
            if declared.name == "settings":
                row |= {k.name: getattr(value, k.name) for k in knobs()}
            elif declared.name == "served":
                row |= dataclasses.asdict(value) if value.service else {}
            else:
                row[declared.name] = list(value) if isinstance(value, tuple) else value
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Record:
        """The inverse of `to_row`, of a row as `versions.upgraded` returns it."""
        values: dict[str, Any] = {
            declared.name: tuple(value) if isinstance(value := row[declared.name], list) else value
            for declared in dataclasses.fields(cls)
            if declared.name not in ("settings", "served")
        }
        served = Served(**{name: row.get(name) for name in OF_SERVICES})
        flattened = {"settings": UsedSettings.of(row), "served": served}
        return cls(**values | flattened | {"status": Status(row["status"])})

    @property
    def who(self) -> str:
        """The subject in words: a service by its own name, and whether its words are the sketch's."""
        return self.served.who or self.subject

    @property
    def cpu_s(self) -> float:
        """Of ffmpeg and the orchestrator, as far as known."""
        return (self.ffmpeg_cpu_s or 0.0) + (self.orchestrator_cpu_s or 0.0)

    @property
    def peak_need_bytes(self) -> int | None:
        """What the kernel cannot drop (`records.need`)."""
        return need_bytes(
            self.peak_anon_bytes,
            self.peak_shmem_bytes,
            self.peak_kernel_bytes,
            self.peak_bound_bytes,
        )

    @property
    def need_is_hidden(self) -> bool:
        """Whether the ceiling may hide how much it needs."""
        limit_bytes = self.enforced_memory_bytes or self.memory_limit_bytes
        if limit_bytes is None:
            return False
        room_bytes = limit_bytes - self.reserve_bytes
        return bool(self.oom_kills) or may_be_hidden(self.peak_need_bytes, room_bytes)

    @property
    def _peak_words(self) -> str:
        told = f"{fmt.size(self.peak_need_bytes)}, anonymous {fmt.size(self.peak_anon_bytes)}"
        return f"{told}; {HIDDEN_WORDS}" if self.need_is_hidden else told

    def __repr__(self) -> str:
        job = f"{self.clips} clips of {self.clip_s:g} s by {self.who} on {self.host}"
        return fmt.brief(self, self.run_id, str(self.status), job, fmt.seconds(self.wall_s))

    def _repr_html_(self) -> str:
        settings = [
            f"{knob.name} {value}"
            for knob in knobs()
            if (value := getattr(self.settings, knob.name)) not in (None, knob.default)
        ]
        memory = (
            "no limit" if self.memory_limit_bytes is None else fmt.size(self.memory_limit_bytes)
        )
        orchestrator_s, ffmpeg_s = map(fmt.seconds, (self.orchestrator_cpu_s, self.ffmpeg_cpu_s))
        rows = [
            ("ended", str(self.status) if self.error is None else f"{self.status}: {self.error}"),
            (
                "job",
                f"{self.clips} clips of {self.clip_s:g} s, {self.width}x{self.height} {self.codec}",
            ),
            ("subject", self.who),
            ("settings that are no defaults", ", ".join(settings) or "none"),
            ("host", f"{self.host}: {memory}, {fmt.cpus(self.cpu_quota)}, by {self.ceiling}"),
            ("wall time", fmt.seconds(self.wall_s)),
            ("CPU", f"{ffmpeg_s} of ffmpeg, {orchestrator_s} of the orchestrator"),
            ("held back for its CPU quota", fmt.seconds(self.throttled_s)),
            ("peak memory, reserve excluded", self._peak_words),
            ("measured", f"{self.started_utc}, block {self.block + 1}, attempt {self.attempt}"),
        ]
        return Table(("run", self.run_id), tuple(rows))._repr_html_()
