"""A sound track is heard in as many stretches as packets that are lost leave of it, and no more."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from clipkit.media.heard import opus_packet_s
from clipkit.media.probe import probe_upload

PICTURES = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "25")
# How a file ends, its codec, and what is told of that.
KINDS = [
    ("mkv", "aac"),
    ("mkv", "aac", "-ar", "96000"),
    ("mkv", "ac3"),
    ("mkv", "flac"),
    ("mkv", "libmp3lame", "-ar", "22050"),
    ("mkv", "libopus", "-frame_duration", "2.5"),
    ("mkv", "libopus"),
    ("mkv", "libvorbis"),
    ("mkv", "pcm_s16le"),
    ("mp4", "aac"),
    ("mp4", "ac3"),
    ("mp4", "alac"),
    ("mp4", "libmp3lame"),
    ("mp4", "libopus"),
    ("mp4", "libopus", "-frame_duration", "60"),
    ("ts", "aac"),
    ("ts", "ac3"),
    ("flv", "aac", "-ar", "44100"),
]
SOUND = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=4")
SOUND += ("-f", "lavfi", "-i", "anoisesrc=duration=4:sample_rate=48000:seed=1:amplitude=0.2")


def stretches_s(film: Path) -> list[tuple[float, float]]:
    (track,) = probe_upload(film).audio
    assert track.heard_s
    return [(float(low_s), float(high_s)) for low_s, high_s in track.heard_s]


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_one_packet_that_is_lost_is_a_gap_and_none_is_where_none_is(
    kind: tuple[str, ...], make: Any
) -> None:
    ending, codec, *told = kind
    name = "-".join((codec, *told[1:]))
    whole = make(f"whole-{name}.{ending}", *PICTURES, "-c:a", codec, *told, source=SOUND)
    ((from_s, to_s),) = stretches_s(whole)
    assert -0.06 <= from_s <= 0.0
    assert to_s == pytest.approx(4.0, abs=0.11)
    lost = ("-c", "copy", "-bsf:a", "noise=drop='eq(n,20)'")
    film = make(f"lost-{name}.{ending}", *lost, source=("-i", str(whole)))
    (before, behind) = stretches_s(film)
    assert (before[0], behind[1]) == pytest.approx((from_s, to_s), abs=0.011)
    packet_s = probe_upload(film).audio[0].usual_s
    assert behind[0] - before[1] == pytest.approx(packet_s, abs=0.0015)


def test_a_recorders_first_packet_may_be_followed_half_of_one_late(make: Any) -> None:
    whole = make("whole.mp4", *PICTURES, "-c:a", "aac", source=SOUND)
    late = ("-c", "copy", "-bsf:a", "setts=ts='if(lt(N,2),PTS,PTS+576)'")
    film = make("late.mp4", *late, source=("-i", str(whole)))
    assert probe_upload(film).audio[0].frame_s == pytest.approx(1600 / 48000)
    assert len(stretches_s(film)) == 1


def test_packets_that_do_not_say_how_long_they_last_last_until_the_next(make: Any) -> None:
    """As ALAC in a Matroska file that was copied from another."""
    whole = make("whole.mkv", *PICTURES, "-c:a", "alac", source=SOUND)
    lost = ("-c", "copy", "-bsf:a", "noise=drop='eq(n,20)'")
    film = make("unsaid.mkv", *lost, source=("-i", str(whole)))
    track = probe_upload(film).audio[0]
    assert (track.frame_s, track.usual_s) == pytest.approx((4096 / 48000, 4096 / 48000), abs=0.001)
    assert stretches_s(film)[-1][1] == pytest.approx(4.0, abs=0.011)
    assert stretches_s(film)[0][1] == pytest.approx(20 * 4096 / 48000, abs=0.0015)


@pytest.mark.parametrize(
    ("head", "lasts_ms"),
    [(0x00, 10), (0x18, 60), (0x68, 20), (0x80, 2.5), (0x98, 20), (0x99, 40), (0x9B, 60)],
)
def test_a_packet_of_opus_says_how_long_it_lasts(head: int, lasts_ms: float) -> None:
    assert opus_packet_s(bytes((head, 3, 0))) == Fraction(lasts_ms) / 1000


def test_less_than_a_packet_says_nothing() -> None:
    assert opus_packet_s(b"") is None
