"""What is no route, what is a wrong method, health and metrics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from conftest import Subject
from launchers import HELD, Launcher
from prometheus_client.parser import text_string_to_metric_families
from raw_http import part
from running_service import Service

Launch = Callable[..., Launcher]
ID = "0123456789abcdef"

ROUTES = {
    "/uploads": {"POST"},
    f"/uploads/{ID}": {"DELETE"},
    "/jobs": {"POST"},
    f"/jobs/{ID}": {"GET", "DELETE"},
    f"/jobs/{ID}/clips/1": {"GET", "HEAD"},
    "/health": {"GET"},
    "/metrics": {"GET"},
}

NONE = [
    *("/", "/HEALTH", "/Health", "/health/", "//health", "/health/x", "/healthz", "/health.json"),
    *("/metrics/", "/METRICS", "/uploads/", "/Uploads", "/jobs/", "/JOBS", f"/jobs/{ID}/"),
    *(f"/jobs/{ID}/clips", f"/jobs/{ID}/clips/", f"/jobs/{ID}/clips/1/", f"/jobs/{ID}/clip/1"),
    *("/docs", "/redoc", "/openapi.json", "/openapi.yaml", "/favicon.ico", "/index.html", "/.env"),
    *("/../etc/passwd", "/uploads/../health", "/jobs/../health", "/clips", "/static/x", "/*"),
    *("/%2e%2e/etc/passwd", f"/jobs/{ID}%2Fclips%2F1", f"/jobs//{ID}", "/health%00", "/health%2F"),
]


class TestRoutes:
    @pytest.mark.parametrize("path", NONE)
    def test_every_other_path_is_unknown(self, shared: Service, path: str) -> None:
        shared.ask("GET", path).refuses(404)

    @pytest.mark.parametrize("path", ["/nowhere", "/health/", "/docs"])
    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    def test_with_every_method(self, shared: Service, path: str, method: str) -> None:
        shared.ask(method, path).refuses(404)

    @pytest.mark.parametrize("path", ROUTES)
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
    def test_a_wrong_method_is_told_with_all_that_are_right(
        self, shared: Service, path: str, method: str
    ) -> None:
        right = ROUTES[path]
        if method in right:
            return
        answer = shared.ask(method, path)
        answer.refuses(405)
        bound_to_come_along = {"OPTIONS"} | ({"HEAD"} if "GET" in right else set())
        assert right <= answer.allow <= right | bound_to_come_along

    @pytest.mark.parametrize("path", [f"/jobs/{ID}", f"/uploads/{ID}", "/jobs/x", "/jobs/a b"])
    def test_unknown_ids(self, shared: Service, path: str) -> None:
        shared.ask("DELETE", path.replace(" ", "%20")).refuses(404)

    def test_a_query_changes_nothing(self, shared: Service) -> None:
        assert shared.ask("GET", "/health?x=1&y=%ff").status == 200
        shared.ask("GET", f"/jobs/{ID}?x").refuses(404)

    def test_it_says_nothing_of_what_it_is_made_of(self, shared: Service) -> None:
        for path in ("/health", "/nowhere"):
            headers = shared.ask("GET", path).headers
            assert "x-powered-by" not in headers
            assert "access-control-allow-origin" not in headers


def test_its_health(shared: Service, subject: Subject) -> None:
    answer = shared.ask("GET", "/health")
    assert (answer.status, answer.kind) == (200, "application/json")
    told = answer.json
    assert (told["status"], told["backend"]) == ("ok", subject.backend.name)
    assert {"version", "ffmpeg"} <= set(told)
    assert all(told[name] for name in ("version", "ffmpeg"))


class TestMetrics:
    def read(self, service: Service) -> dict[tuple[str, str], float]:
        """Each sample by its name and its status, read as Prometheus would."""
        answer = service.ask("GET", "/metrics")
        assert (answer.status, answer.kind) == (200, "text/plain")
        found: dict[tuple[str, str], float] = {}
        for family in text_string_to_metric_families(answer.body.decode()):
            for sample in family.samples:
                if "le" not in sample.labels:
                    found[sample.name, sample.labels.get("status", "")] = sample.value
        return found

    def test_they_count_what_happened(
        self, start: Callable[..., Service], launcher: Launch, film: Path
    ) -> None:
        recorder = launcher(HELD)
        service = start(FFMPEG=recorder.path)
        at_first = self.read(service)
        assert at_first["uploads_total", ""] == at_first["upload_bytes_total", ""] == 0
        upload = service.upload(film)
        service.send_form(part(b""))
        job = service.ended(service.order(upload, (0, 0.2), (1_000, 1), (1, 0.2)))
        service.ended(service.order(upload, (0, 0.2)))
        recorder.hold()
        running, _ = service.order(upload, (0, 0.2)), service.order(upload, (0, 0.2))
        recorder.began(5)
        found = self.read(service)
        assert found["uploads_total", ""] == 1
        assert found["upload_bytes_total", ""] == film.stat().st_size
        assert found["clips_total", "ok"] == 3
        assert found["clips_total", "failed"] == 1
        assert found.get(("clips_total", "killed"), 0) == 0
        assert {status: found["jobs", status] for status in ("queued", "running")} == {
            "queued": 1,
            "running": 1,
        }
        assert (found["jobs", "done"], found["jobs", "failed"]) == (1, 1)
        assert found["ffmpeg_processes", ""] == 1
        assert found["clip_seconds_count", ""] == 4
        ran_s = sum(clip["ended_s"] - clip["started_s"] for clip in job["clips"])
        assert found["clip_seconds_sum", ""] >= 0.9 * ran_s
        recorder.release()
        service.ended(running)

    def test_the_memory_is_its_own(self, shared: Service) -> None:
        told = self.read(shared)["process_resident_memory_bytes", ""]
        real = psutil.Process(shared.process.pid).memory_info().rss
        assert 0.7 * real < told < 1.4 * real

    def test_the_histogram_is_one(self, shared: Service, uploaded: str) -> None:
        shared.ended(shared.order(uploaded, (0, 0.2)))
        lines = shared.metrics().splitlines()
        assert "# TYPE clip_seconds histogram" in lines
        assert "# TYPE jobs gauge" in lines
        buckets = [line for line in lines if line.startswith("clip_seconds_bucket{")]
        counts = [float(line.split()[-1]) for line in buckets]
        assert counts == sorted(counts)
        assert 'le="+Inf"' in buckets[-1]
        assert counts[-1] == self.read(shared)["clip_seconds_count", ""] > 0
