"""What an H.264 film's header says of how it is coded, as x264 wrote it."""

from __future__ import annotations

from typing import Any

import pytest

from clipkit.media.avc import Avc, avc_of
from clipkit.media.nal import NalFormat
from clipkit.media.probe import probe_upload

_CODINGS: dict[str, tuple[tuple[str, ...], Avc]] = {
    "high": (("-bf", "3", "-g", "25"), Avc(100, True, 2, (0,))),
    "no pyramid": (("-bf", "2", "-x264-params", "b-pyramid=none"), Avc(100, True, 1, (0,))),
    "main": (("-profile:v", "main", "-bf", "0"), Avc(77, True, 0, (0,))),
    "baseline": (("-profile:v", "baseline"), Avc(66, True, 0, (0,))),
    "fields": (
        ("-s", "160x96", "-flags", "+ilme+ildct", "-x264-params", "tff=1"),
        Avc(100, False, 2, (0,)),
    ),
    "another number": (("-x264-params", "sps-id=5"), Avc(100, True, 2, (5,))),
    "scaling lists": (("-x264-params", "cqm=jvt"), Avc(100, True, 2, (0,))),
    "buffer": (
        ("-x264-params", "nal-hrd=vbr:vbv-maxrate=900:vbv-bufsize=900:overscan=show:chromaloc=2"),
        Avc(100, True, 2, (0,)),
    ),
}


@pytest.mark.parametrize("coding", _CODINGS)
@pytest.mark.parametrize("name", ["film.mp4", "film.ts"])
def test_a_film_says_how_it_is_coded(make: Any, coding: str, name: str) -> None:
    options, right = _CODINGS[coding]
    options = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-color_primaries", "bt709", *options)
    assert probe_upload(make(name, *options)).avc == right


def test_of_another_codec_or_without_a_header_nothing_is_known() -> None:
    assert avc_of(None, None) is None
    assert avc_of(NalFormat("hevc", 4), b"") is None
    assert avc_of(NalFormat("h264", None), None) is None
    assert avc_of(NalFormat("h264", None), b"\0\0\1\x67\x64\0\0\0\1\x68\xee") is None


@pytest.mark.parametrize(
    ("depth", "asked", "bframes"), [(0, None, 0), (0, 3, 0), (1, None, 1), (2, 3, 3), (4, 0, 2)]
)
def test_what_goes_with_it_is_reordered_as_deep(
    depth: int, asked: int | None, bframes: int
) -> None:
    assert Avc(100, True, depth, (0,)).bframes(asked) == bframes
