"""The small parts by themselves, where their corners are cheaper to reach."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import Request

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from clip_backend.book import Book
from clip_backend.config import read_settings
from clip_backend.cutting import Cutter
from clip_backend.form import VideoForm
from clip_backend.ids import new_id
from clip_backend.jobs import JobStatus
from clip_backend.metrics import Metrics
from clip_backend.pipes import Progress, Tail
from clip_backend.problems import Problem
from clip_backend.program import guarded_program
from clip_backend.reasons import spoken_reason
from clip_backend.sending import clip_response
from clip_backend.uploads import Upload, Uploads


def tail(text: bytes) -> Tail:
    kept = Tail()
    kept.take(text)
    return kept


def test_ids_are_of_the_contracts_alphabet_and_all_differ() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(one) == 32 and one.replace("-", "").replace("_", "").isalnum() for one in ids)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_a_form_is_the_same_however_it_is_sliced(size: int) -> None:
    data = b"\r\n--b\r\n--bo\r\n--" * 50 + b"\r"
    body = (
        b'--bound\r\nContent-Disposition: form-data; name="video"; filename="a;b\\"c.mp4"\r\n\r\n'
        + data
        + b"\r\n--bound--\r\nafterwards"
    )
    form = VideoForm(b"bound", 10_000)
    found = b"".join(form.feed(body[at : at + size]) for at in range(0, len(body), size))
    form.check_whole()
    assert found == data
    assert form.file_bytes == len(data)


def test_a_form_without_its_last_boundary_is_not_whole() -> None:
    form = VideoForm(b"b", 100)
    form.feed(b'--b\r\nContent-Disposition: form-data; name="video"; filename="a"\r\n\r\nx\r\n--b-')
    with pytest.raises(Problem, match="closing boundary"):
        form.check_whole()


def test_progress_takes_the_last_number_of_pictures() -> None:
    progress = Progress()
    for block in (b"fra", b"me=1", b"2\nfps=1\nframe=  30 \nfoo", b"frame=99\n", b"x" * 100_000):
        progress.take(block)
    assert progress.frames == 30


def test_a_tail_keeps_the_end() -> None:
    kept = Tail(10)
    for block in (b"abc", b"d" * 100, b"end"):
        kept.take(block)
    assert kept.kept == b"d" * 7 + b"end"
    assert kept.cut


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        (b"", None),
        (b"\n\n", None),
        (b"[mov,mp4 @ 0x55ab] [x @ 0x1] moov atom not found\n/a/b: Invalid data\n",
         "moov atom not found"),
        (b"/data/up load: Invalid data found\n", "the upload: Invalid data found"),
        (b"file:/etc/passwd: no\n", "file:(path): no"),
        (b"Conversion failed!\n", None),
        (b"\x1b[31mred\x00\xff\n", "[31mred \ufffd"),
        (b"x" * 3000, "x" * 1000),
    ],
)  # fmt: skip
def test_a_reason_is_one_line_without_paths(stderr: bytes, reason: str | None) -> None:
    assert spoken_reason(tail(stderr), {"/data/up load": "the upload"}) == reason


def test_a_line_cut_in_two_is_no_reason() -> None:
    kept = Tail(20)
    kept.take(b"a long line that is cut\nthe reason\n")
    assert spoken_reason(kept, {}) == "the reason"


def test_an_upload_that_a_client_deletes_while_old_ones_go_stops_nothing(tmp_path: Path) -> None:
    whole = (
        b'--b\r\nContent-Disposition: form-data; name="video"; filename="a"\r\n\r\nx\r\n--b--\r\n'
    )

    async def body() -> AsyncIterator[bytes]:
        yield whole

    async def run() -> None:
        environment = {"DATA_DIR": str(tmp_path), "FFMPEG": "sh", "KEEP_S": "0.000001"}
        uploads = Uploads(read_settings(environment), tmp_path, Metrics())
        taken = [await uploads.take(body(), b"b", None) for _ in range(3)]
        cleaning = asyncio.create_task(uploads.remove_unused())
        await asyncio.sleep(0)  # the first one is being removed
        await uploads.delete(taken[1].id)
        await cleaning

    asyncio.run(run())
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_has_ended_holds_its_upload_no_more(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    """Also while the disk takes its time to forget what a clip had written."""
    settings = read_settings({"DATA_DIR": str(tmp_path), "FFMPEG": program("exit 1\n")})

    async def run() -> None:
        metrics = Metrics()
        cutter = Cutter(settings, guarded_program(settings.ffmpeg), metrics)
        upload = Upload(new_id(), tmp_path / "upload", 1)
        slow = ThreadPoolExecutor(1)
        asyncio.get_running_loop().set_default_executor(slow)
        slow.submit(time.sleep, 1)
        job = Book(settings, tmp_path, cutter, metrics).order(upload, [(0, 1)])
        while job.status is not JobStatus.FAILED:  # noqa: ASYNC110  # as a client does
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        assert upload.jobs == 0

    asyncio.run(run())


def test_a_clip_that_goes_before_it_is_opened_is_404(tmp_path: Path) -> None:
    clip = tmp_path / "1.mp4"
    clip.write_bytes(b"x")

    async def run() -> None:
        request = Request({"type": "http", "method": "GET", "headers": []})
        answer = await clip_response(request, clip, "name")
        clip.unlink()
        with pytest.raises(Problem) as told:
            await answer(request.scope, request.receive, request.receive)  # type: ignore[arg-type]
        assert told.value.status == 404

    asyncio.run(run())
