"""Jobs: what is ordered, how it is cut, how each way to end is told, and what leaves with a job."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from conftest import Start
from driving import Backend, is_alive, until

Program = Callable[[str], str]


def pictures(path: Path) -> int:
    argv = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", "-f", "framemd5", "-"]
    lines = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
    return sum(not line.startswith("#") for line in lines)


@pytest.mark.parametrize("seek", ["input", "output"])
def test_clips_are_cut_and_sent(seek: str, start: Start, film: Path, tmp_path: Path) -> None:
    backend = start(SEEK=seek, MAX_CONCURRENT="2", CRF="30", DECODER_THREADS="1")
    job_id = backend.order(backend.upload(film), (0, 1), (2.5, 2), (5.95, 10))
    job = backend.ended(job_id)
    assert job["status"] == "done"
    assert [clip["number"] for clip in job["clips"]] == [1, 2, 3]
    for clip, expected in zip(job["clips"], (25, 50, 1), strict=True):
        assert clip["status"] == "ok"
        assert clip["error"] is None
        assert clip["url"] == f"/jobs/{job_id}/clips/{clip['number']}"
        assert job["created_s"] <= clip["started_s"] < clip["ended_s"] < time.time()
        answer = backend.http.get(clip["url"])
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "video/mp4"
        assert len(answer.content) == clip["bytes"]
        copy = tmp_path / "copy.mp4"
        copy.write_bytes(answer.content)
        assert abs(pictures(copy) - expected) <= 1
    assert not [name for name in backend.files() if "part" in name]
    assert backend.metric('clips_total{status="ok"}') == 3
    assert backend.metric('jobs{status="done"}') == 1
    assert backend.metric("clip_seconds_count") == 3
    assert backend.metric("ffmpeg_processes") == 0
    events = [line["event"] for line in backend.lines]
    assert events[-1] == "job_ended"
    assert events.count("clip_ended") == 3


def recorded(start: Start, program: Program, film: Path, **environment: str) -> list[str]:
    """The words that ffmpeg is given for a clip from 0.0078125 s on."""
    script = 'for word; do echo "$word"; done > "$0.words"; exec ffmpeg "$@"\n'
    path = program(script)
    backend = start(FFMPEG=path, **environment)
    upload = backend.upload(film)
    job = backend.ended(backend.order(upload, (0.0078125, 1)))
    assert job["status"] == "done"
    words = Path(f"{path}.words").read_text().splitlines()
    places = {str(backend.folder / "uploads" / upload): "UPLOAD"}
    return [places.get(word, word) for word in words[:-1]]


GUARD = (
    "-hide_banner -nostdin -loglevel error -protocol_whitelist file "
    "-format_whitelist mov,matroska,mpegts,mpeg,avi,flv,ogg,asf,mxf "
)


def test_the_argv_is_the_contracts_word_for_word(
    start: Start, program: Program, film: Path
) -> None:
    assert " ".join(recorded(start, program, film)) == GUARD + (
        "-ss 0.007812 -i UPLOAD -y -t 1.000000 -map 0:v:0 -map 0:a:0? "
        "-c:v libx264 -preset ultrafast -threads 1 -c:a copy "
        "-movflags +faststart -abort_on empty_output -progress pipe:1 -f mp4"
    )


def test_every_switch_has_its_place_in_the_argv(start: Start, program: Program, film: Path) -> None:
    words = recorded(
        start, program, film, SEEK="output", PRESET="veryfast", CRF="28", ENCODER_THREADS="2",
        DECODER_THREADS="3",
    )  # fmt: skip
    assert " ".join(words) == GUARD + (
        "-threads 3 -i UPLOAD -y -ss 0.007812 -t 1.000000 -map 0:v:0 -map 0:a:0? "
        "-c:v libx264 -preset veryfast -crf 28 -threads 2 -c:a copy "
        "-movflags +faststart -abort_on empty_output -progress pipe:1 -f mp4"
    )


def test_the_sketched_argv_is_the_analysis_own(start: Start, program: Program, film: Path) -> None:
    words = recorded(start, program, film, ARGV="sketched")
    assert " ".join(words) == GUARD + (
        "-i UPLOAD -ss 0.007812 -t 1.000000 -c:v libx264 -preset ultrafast -c:a copy"
    )


@pytest.mark.parametrize("words", ["same", "sketched"])
def test_a_clip_without_a_picture_is_failed(words: str, start: Start, film: Path) -> None:
    backend = start(ARGV=words)
    job = backend.ended(backend.order(backend.upload(film), (0, 1), (500, 5), (1, 1)))
    assert job["status"] == "failed"
    assert [clip["status"] for clip in job["clips"]] == ["ok", "failed", "ok"]
    failed = job["clips"][1]
    assert "picture" in failed["error"]
    assert failed["url"] is failed["bytes"] is None
    assert backend.http.get(f"/jobs/{job['id']}/clips/2").status_code == 409
    assert len([name for name in backend.files() if name.startswith("clips")]) == 2


def test_a_hostile_upload_reads_no_other_file(start: Start, film: Path, tmp_path: Path) -> None:
    backend = start()
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(film.read_bytes())
    hostile = {
        "playlist": f"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n{secret}\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile {secret}\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    }
    for name, text in hostile.items():
        file = tmp_path / name
        file.write_text(text)
        job = backend.ended(backend.order(backend.upload(file), (0, 1)))
        assert job["clips"][0]["status"] == "failed", name
        assert str(tmp_path) not in job["clips"][0]["error"]
        assert "\n" not in job["clips"][0]["error"]


@pytest.mark.parametrize(
    ("script", "status", "says"),
    [
        ("kill -9 $$\n", "killed", "SIGKILL"),
        ("echo '[mp4 @ 0x55d0] no way to /srv/secret/x: sorry' >&2\necho next >&2\nexit 3\n",
         "failed", "no way to (path): sorry"),
        ("exit 4\n", "failed", "4"),
        ("exit 0\n", "failed", "picture"),
        ("echo frame=0\necho progress=end\n", "failed", "picture"),
        ("exec sleep 60\n", "timeout", "2 s"),
        ("sleep 60\n", "timeout", "2 s"),
        ("trap '' TERM; while :; do sleep 1; done\n", "timeout", "2 s"),
    ],
)  # fmt: skip
def test_each_way_to_end_is_told(  # noqa: PLR0917
    script: str, status: str, says: str, start: Start, program: Program, film: Path
) -> None:
    backend = start(FFMPEG=program(script), CLIP_TIMEOUT_S="2")
    job = backend.ended(backend.order(backend.upload(film), (0, 1)))
    clip = job["clips"][0]
    assert (clip["status"], job["status"]) == (status, "failed")
    assert says in clip["error"]
    assert clip["ended_s"] - clip["started_s"] < 5
    assert backend.metric(f'clips_total{{status="{status}"}}') == 1
    assert [name for name in backend.files() if name.startswith("clips")] == []


def test_an_ffmpeg_killed_from_outside_is_killed_and_the_next_one_runs(
    start: Start, film: Path
) -> None:
    backend = start(PRESET="placebo")
    job = backend.order(backend.upload(film), (0, 6), (0, 0.2))
    until(backend.children)
    os.kill(backend.children()[0], signal.SIGKILL)
    clips = backend.ended(job)["clips"]
    assert [clip["status"] for clip in clips] == ["killed", "ok"]


def test_a_shouting_ffmpeg_costs_no_memory_and_no_wait(
    start: Start, program: Program, film: Path
) -> None:
    script = "head -c 60000000 /dev/zero | tr '\\0' x >&2\nhead -c 60000000 /dev/zero\nexit 1\n"
    backend = start(FFMPEG=program(script))
    upload = backend.upload(film)
    before = backend.peak_bytes()
    job = backend.ended(backend.order(upload, (0, 1)))
    assert job["clips"][0]["status"] == "failed"
    assert len(job["clips"][0]["error"]) <= 1000
    assert backend.peak_bytes() - before < 20_000_000  # kept, it would be 60 or 120 MB


@pytest.mark.parametrize("session", ["", "setsid"])
def test_a_grandchild_that_holds_the_pipes_does_not_hold_the_clip(
    session: str, start: Start, program: Program, film: Path
) -> None:
    # ffmpeg goes on when the grandchild is where it is to be, in a session of its own or not.
    begun = 'sh -c \'echo $$ > "$0"; exec sleep 600\' "$0.pid" &'
    waits = 'while [ ! -s "$0.pid" ]; do sleep 0.01; done'
    path = program(f'{session} {begun}\n{waits}\nexec ffmpeg "$@"\n')
    backend = start(FFMPEG=path)
    clip = backend.ended(backend.order(backend.upload(film), (0, 0.5)))["clips"][0]
    grandchild = int(Path(f"{path}.pid").read_text())
    assert clip["status"] == "ok"
    if session:
        assert is_alive(grandchild)
        os.kill(grandchild, signal.SIGKILL)
    else:
        until(lambda: not is_alive(grandchild), within_s=2)  # the group ends with its clip


def test_so_many_run_at_once_in_the_order_in_which_they_came(
    start: Start, program: Program, film: Path
) -> None:
    backend = start(FFMPEG=program("sleep 0.4\necho frame=1\n"), MAX_CONCURRENT="2")
    upload = backend.upload(film)
    jobs = [backend.order(upload, (0, 1), (0, 1), (0, 1)) for _ in range(2)]
    while any(backend.job(job)["status"] in ("queued", "running") for job in jobs):
        assert len(backend.children()) <= 2
        assert backend.metric("ffmpeg_processes") <= 2
    clips = [clip for job in jobs for clip in backend.job(job)["clips"]]
    starts = [clip["started_s"] for clip in clips]
    assert starts == sorted(starts)
    at_once = [sum(c["started_s"] <= s < c["ended_s"] for c in clips) for s in starts]
    assert max(at_once) == 2


def test_a_full_queue_is_503_with_a_time(start: Start, program: Program, film: Path) -> None:
    backend = start(FFMPEG=program("exec sleep 60\n"), QUEUE_LIMIT="2")
    upload = backend.upload(film)
    first = backend.order(upload, (0, 1))
    second = backend.order(upload, (0, 1))
    until(lambda: backend.job(first)["status"] == "running")
    assert backend.job(second)["status"] == "queued"
    order = {"upload": upload, "clips": [{"start_s": 0, "duration_s": 1}]}
    answer = backend.http.post("/jobs", json=order)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert backend.http.delete(f"/jobs/{second}").status_code == 204
    assert backend.http.post("/jobs", json=order).status_code == 202


def test_a_job_is_deleted_at_whatever_moment(start: Start, film: Path) -> None:
    backend = start(MAX_CONCURRENT="2", PRESET="slow")
    upload = backend.upload(film)
    for wait_s in (0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 0.8):
        job = backend.order(upload, (0, 5), (1, 5), (0, 0.1))
        time.sleep(wait_s)
        running = backend.children()
        began = time.monotonic()
        assert backend.http.delete(f"/jobs/{job}").status_code == 204
        assert time.monotonic() - began < 2
        assert not any(is_alive(pid) for pid in [*running, *backend.children()])
        assert backend.files() == [f"uploads/{upload}"]
        assert backend.http.get(f"/jobs/{job}").status_code == 404
        assert backend.http.delete(f"/jobs/{job}").status_code == 404
    assert backend.http.delete(f"/uploads/{upload}").status_code == 204
    ended = [backend.metric(f'clips_total{{status="{status}"}}') for status in ("ok", "cancelled")]
    assert sum(ended) == 27
    assert backend.metric("ffmpeg_processes") == 0


def test_two_clients_may_delete_the_same_job(start: Start, program: Program, film: Path) -> None:
    backend = start(FFMPEG=program("trap '' TERM\nwhile :; do sleep 1; done\n"))
    job = backend.order(backend.upload(film), (0, 1))
    until(backend.children)
    codes: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: codes.append(backend.http.delete(f"/jobs/{job}").status_code)
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 204 in codes
    assert set(codes) <= {204, 404}


def test_a_stopped_ffmpeg_is_deleted_too(start: Start, film: Path) -> None:
    backend = start(PRESET="placebo")
    job = backend.order(backend.upload(film), (0, 6))
    until(backend.children)
    pid = backend.children()[0]
    os.kill(pid, signal.SIGSTOP)
    assert backend.http.delete(f"/jobs/{job}").status_code == 204
    assert not is_alive(pid)


def test_a_killed_service_leaves_no_ffmpeg(start: Start, film: Path) -> None:
    backend = start(PRESET="placebo", MAX_CONCURRENT="2")
    backend.order(backend.upload(film), (0, 6), (0, 6))
    pids = until(lambda: len(backend.children()) == 2 and backend.children())
    assert pids
    backend.process.kill()
    until(lambda: not any(is_alive(pid) for pid in pids), within_s=2)


def test_a_killed_service_leaves_nothing_that_ffmpeg_started(
    start: Start, program: Program, film: Path
) -> None:
    backend = start(FFMPEG=program("sleep 62.5 &\nsleep 62.5\n"), MAX_CONCURRENT="3")
    backend.order(backend.upload(film), (0, 1), (0, 1), (0, 1))
    asleep = ["pgrep", "-c", "-f", "sleep 62.5"]
    until(lambda: subprocess.run(asleep, check=False, capture_output=True).stdout == b"6\n")
    assert len(backend.children()) == 3
    backend.process.kill()
    until(lambda: subprocess.run(asleep, check=False, capture_output=True).stdout == b"0\n", 2)


def test_ffmpeg_leads_a_group_of_its_own_with_stdin_closed(start: Start, film: Path) -> None:
    backend = start(PRESET="placebo")
    backend.order(backend.upload(film), (0, 6))
    pid = until(backend.children)[0]
    # Its output is open: it is ffmpeg, and has loaded all that it needs.
    clips = backend.folder / "clips"
    until(lambda: [target for target in targets(pid).values() if clips in target.parents])
    assert os.getpgid(pid) == pid
    assert str(Path(f"/proc/{pid}/fd/0").readlink()) == "/dev/null"
    for number, target in targets(pid).items():
        assert number <= 2 or target.is_file(), target  # files of its own


def targets(pid: int) -> dict[int, Path]:
    """What its descriptors are."""
    found = {}
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it is closed meanwhile
            found[int(path.name)] = path.readlink()
    return found


ORDER: dict[str, Any] = {"upload": "x" * 32, "clips": [{"start_s": 0, "duration_s": 1}]}


@pytest.mark.parametrize(
    "changes",
    [
        {"clips": []}, {"clips": None}, {"clips": {}}, {"upload": 1}, {"upload": None},
        {"more": 1}, {"clips": [{"start_s": 0}]}, {"clips": [{"start_s": "0", "duration_s": 1}]},
        {"clips": [{"start_s": True, "duration_s": 1}]},
        {"clips": [{"start_s": None, "duration_s": 1}]},
        {"clips": [{"start_s": -0.001, "duration_s": 1}]},
        {"clips": [{"start_s": 0, "duration_s": 0}]},
        {"clips": [{"start_s": 0, "duration_s": -1}]},
        {"clips": [{"start_s": 10_000_001, "duration_s": 1}]},
        {"clips": [{"start_s": 0, "duration_s": 10_000_001}]},
        {"clips": [{"start_s": 0, "duration_s": 1, "number": 1}]},
        {"clips": ORDER["clips"] * 101},
    ],
)  # fmt: skip
def test_json_of_another_shape_is_422(changes: dict[str, Any], backend: Backend) -> None:
    answer = backend.http.post("/jobs", json=ORDER | changes)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (b"", {400}), (b"{", {400}), (b"\xff", {400}), (b"[" * 100_000, {400, 422}), (b"[]", {422}),
        (b"null", {422}), (b'"x"', {422}),
        (json.dumps(ORDER).replace('"start_s": 0', '"start_s": NaN').encode(), {400, 422}),
        (json.dumps(ORDER).replace('"start_s": 0', '"start_s": 1e309').encode(), {400, 422}),
        (json.dumps(ORDER).replace('"start_s": 0', '"start_s": -Infinity').encode(), {400, 422}),
        (json.dumps(ORDER).replace('"start_s": 0', f'"start_s": {"9" * 5000}').encode(),
         {400, 422}),
        (json.dumps(ORDER).replace("xxx", "\\ud800").encode(), {400, 404, 422}),
        (json.dumps({**ORDER, "\ud800": 1}).encode(), {400, 422}),
        (json.dumps(ORDER).encode(), {404}),
        (json.dumps(ORDER | {"upload": "../../etc/passwd"}).encode(), {404}),
        (json.dumps(ORDER | {"more": "x" * 1024**2}).encode(), {413}),
    ],
)  # fmt: skip
def test_what_is_no_order_is_refused(body: bytes, codes: set[int], backend: Backend) -> None:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    answer = backend.http.post("/jobs", content=body, headers=kind)
    assert answer.status_code in codes
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        b'{"upload":"a","clips":[' + b",".join([b"0"] * 500_000) + b"]}",
        b'{"upload":"a","clips":[' + b",".join([b"{}"] * 340_000) + b"]}",
        b'{"upload":"a",' + b",".join(b'"%d":1' % key for key in range(90_000)) + b"}",
    ],
    ids=["numbers", "objects", "keys"],
)
def test_an_order_of_faults_alone_is_refused_at_little_cost(body: bytes, start: Start) -> None:
    backend = start(MAX_CLIPS="1000000")
    peak_bytes, cpu_s = backend.peak_bytes(), backend.cpu_s()
    kind = {"Content-Type": "application/json"}
    assert backend.http.post("/jobs", content=body, headers=kind).status_code == 422
    assert backend.cpu_s() - cpu_s < 2
    assert backend.peak_bytes() - peak_bytes < 60_000_000


def test_another_content_type_is_415(backend: Backend) -> None:
    body = json.dumps(ORDER)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
        answer = backend.http.post("/jobs", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 415
    with backend.socket() as sock:
        sock.sendall(b"POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        assert sock.recv(100).startswith(b"HTTP/1.1 415")
