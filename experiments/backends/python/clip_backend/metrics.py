"""What Prometheus reads. The names are the contract's; the client's `_created` series are left out."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_CLIP_ENDS = ("ok", "failed", "killed", "timeout", "cancelled")
_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 600)


class Metrics:
    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()
        self.clips = Counter("clips", "Clips that ended, by how", ["status"], registry=registry)
        self.jobs = Gauge("jobs", "Jobs that the service knows", ["status"], registry=registry)
        self.clip_seconds = Histogram(
            "clip_seconds", "How long ffmpeg ran for a clip", buckets=_SECONDS, registry=registry
        )
        self.ffmpegs = Gauge("ffmpeg_processes", "ffmpegs that run", registry=registry)
        self.uploads = Counter("uploads", "Uploads taken", registry=registry)
        self.upload_bytes = Counter("upload_bytes", "Bytes of uploads taken", registry=registry)
        ProcessCollector(registry=registry)
        for status in _CLIP_ENDS:
            self.clips.labels(status)  # 0 is a figure, too

    def text(self, jobs_by_status: Mapping[str, int]) -> bytes:
        for status, count in jobs_by_status.items():
            self.jobs.labels(status).set(count)
        return generate_latest(self._registry)
