"""Uploads that are no films, made to have ffmpeg open something else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import pytest
from hostile import BY_NAME
from raw_http import part
from running_service import Service

from clipkit.ffmpeg_builds import FfmpegBuild

Write = Callable[[Path], bytes]


def _hls(film: Path) -> bytes:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{film}\n#EXT-X-ENDLIST\n".encode()


def _concat(film: Path) -> bytes:
    return f"ffconcat version 1.0\nfile '{film}'\n".encode()


def _dash(film: Path) -> bytes:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT4S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">'
        '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1">'
        f"<BaseURL>{film}</BaseURL></Representation></AdaptationSet></Period></MPD>"
    ).encode()


def _sdp(_film: Path) -> bytes:
    return b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n"


def _text(_film: Path) -> bytes:
    return b"root:x:0:0:root:/root:/bin/bash\n" * 50


def _picture(_film: Path) -> bytes:
    return b"P6\n16 16\n255\n" + bytes(16 * 16 * 3)


def _subtitles(_film: Path) -> bytes:
    return b"1\n00:00:00,000 --> 00:00:02,000\nhello\n"


def _noise(_film: Path) -> bytes:
    return bytes(range(256)) * 400


def _half(film: Path) -> bytes:
    whole = film.read_bytes()
    return whole[: len(whole) // 2]


def _zip(_film: Path) -> bytes:
    return b"PK\x03\x04" + bytes(200)


HOSTILE: dict[str, Write] = {
    "a playlist": _hls,
    "a concat script": _concat,
    "a manifest": _dash,
    "a session": _sdp,
    "a text": _text,
    "a picture": _picture,
    "subtitles": _subtitles,
    "noise": _noise,
    "half a film": _half,
    "an archive": _zip,
}


@pytest.mark.parametrize("write", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", [b"film.mp4", b"film.m3u8"])
def test_nothing_else_is_opened_for_it(
    shared: Service, film: Path, write: Write, name: bytes
) -> None:
    """The film that it names is a good one: a service that followed would make a clip."""
    answer = shared.send_form(part(write(film), filename=name))
    assert answer.status == 201, answer
    job = shared.ended(shared.order(answer.json["id"], (0, 1)))
    (clip,) = job["clips"]
    assert (job["status"], clip["status"]) == ("failed", "failed"), job
    error = clip["error"]
    assert error
    assert len(error.splitlines()) == 1
    assert "root:x" not in error
    for path in (str(shared.data), str(film), "/uploads/"):
        assert path not in error


def test_packets_behind_a_playlist_never_show_the_film_that_it_names(
    start: Callable[..., Service], tmp_path: Path, each_build: FfmpegBuild
) -> None:
    """To one version of ffmpeg it is a transport stream, to another a playlist."""
    upload = BY_NAME["playlist_before_packets"].make(tmp_path)
    service = start(FFMPEG=each_build.path)
    job = service.cut(upload, (0.4, 0.6))
    clips = [path for path in (service.data / "clips").rglob("*") if path.is_file()]
    assert job["status"] == ("failed" if each_build.version.startswith("5.") else "done"), job
    assert len(clips) == (job["status"] == "done")
    for path in clips:
        with av.open(str(path)) as clip:
            assert clip.streams.video[0].width == 160  # the other one's is 128
