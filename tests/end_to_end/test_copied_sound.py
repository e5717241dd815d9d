"""A sound that is copied into a clip is one that can be decoded, or the clip says what was done instead."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import looking
import pytest
from oracle import RIGHT, Asked, Oracle
from running import clipkit

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload
from clipkit.plan.copied_sound import lacks_needed_sound
from clipkit.settings import Settings

SOUND = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=4")
SOUND += ("-f", "lavfi", "-i", "anoisesrc=duration=4:sample_rate=44100:seed=1:amplitude=0.2")
CODING = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac")


@pytest.fixture
def damaged(make: Any, tmp_path: Path) -> Path:
    """Its sound cannot be decoded for some 0.1 s in its third second; every packet is there and in time."""
    honest = make("noisy.mp4", *CODING, source=SOUND)
    content = bytearray(honest.read_bytes())
    with av.open(str(honest)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
    broken = [p for p in packets if p.pts is not None and 2.4 < float(p.pts * p.time_base) < 2.5]
    assert len(broken) > 3
    for packet in broken:
        content[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    path = tmp_path / "damaged.mp4"
    path.write_bytes(content)
    return path


def cut(upload: Path, out: Path, build: FfmpegBuild, *words: str) -> Any:
    listed = out.with_suffix(".csv")
    listed.write_text("start_s,duration_s\n1,1\n2,1\n3,1\n")
    words = ("--clips", str(listed), "--ffmpeg", build.choice, "--json", *words)
    return clipkit("cut", upload, "--out", out, *words)


def hears(clip: Path) -> bool:
    """Whether a decoder that bears no fault takes all of its sound."""
    with av.open(str(clip)) as container:
        try:
            return sum(frame.samples for frame in container.decode(audio=0)) > 40_000
        except av.error.FFmpegError:
            return False


def test_a_clip_whose_copied_sound_cannot_be_decoded_is_not_kept_as_it_is(
    damaged: Path, tmp_path: Path, each_build: FfmpegBuild
) -> None:
    ran = cut(damaged, tmp_path / "out", each_build)
    before, broken, after = ran.json["clips"]
    for whole in (before, after):
        assert (whole["status"], whole["changes"]) == ("ok", [])
        assert hears(Path(whole["file"]))
        assert "copy" in whole["argv"]
    (change,) = broken["changes"]
    anew, why = change.split("; ")
    assert anew.startswith("AAC sound encoded anew: ")
    assert re.fullmatch(
        "decoded from the upload's start: its sound, copied, cannot be decoded: .{10,}", why
    )
    assert "-xerror" not in broken["argv"]
    if broken["status"] == "ok":
        assert "copy" not in broken["argv"]
        assert hears(Path(broken["file"]))


def test_nor_is_one_that_is_copied_as_a_whole(
    damaged: Path, tmp_path: Path, each_build: FfmpegBuild
) -> None:
    ran = cut(damaged, tmp_path / "out", each_build, "--mode", "snap")
    assert ran.code == 1
    assert [clip["status"] for clip in ran.json["clips"]] == ["ok", "failed", "ok"]
    assert "clip 2 at 2 s: failed: its sound, copied, cannot be decoded: " in ran.complaint


def test_a_sound_without_fault_is_still_copied_bit_for_bit(
    make: Any, tmp_path: Path, each_build: FfmpegBuild
) -> None:
    honest = make("noisy.mp4", *CODING, source=SOUND)
    for mode in ("encode", "snap"):
        ran = cut(honest, tmp_path / mode, each_build, "--mode", mode)
        assert (ran.code, ran.err) == (0, "")
        theirs = set(packets_of(honest))
        for entry in ran.json["clips"]:
            own = packets_of(Path(entry["file"]))
            assert len(own) > 40
            assert set(own) <= theirs
            assert looking.sound(Path(entry["file"])) is not None


@pytest.mark.parametrize("mode", ["encode", "smart", "copy"])
def test_a_sound_whose_packet_is_held_is_encoded_and_that_is_said(
    mode: str, make: Any, tmp_path: Path, each_build: FfmpegBuild
) -> None:
    """As phones write it, whose first packet of sound lasts until the next one comes."""
    honest = make("noisy.mp4", *CODING, source=SOUND)
    late = ("-c", "copy", "-bsf:a", "setts=ts='if(lt(N,2),PTS,PTS+8000)'")
    film = make("phone.mp4", *late, source=("-i", str(honest)))
    ran = cut(film, tmp_path / "out", each_build, "--mode", mode)
    assert ran.code == 0, ran.err
    for entry in ran.json["clips"]:
        assert "AAC sound encoded anew: by the upload's clock one of its packets lasts" in str(
            entry["changes"]
        )
        assert hears(Path(entry["file"]))


def losing(make: Any, name: str, first_s: float, last_s: float) -> Path:
    """A film without the packets of sound that begin between these times."""
    honest = make(f"noisy{Path(name).suffix}", *CODING, source=SOUND)
    lost = f"noise=drop='between(pts*tb,{first_s},{last_s})'"
    return Path(make(name, "-c", "copy", "-bsf:a", lost, source=("-i", str(honest))))


@pytest.fixture
def gappy(make: Any) -> Path:
    """Packets of its sound are lost from 2.020 to 2.113 s."""
    return losing(make, "gappy.mkv", 2.005, 2.095)


@pytest.mark.parametrize("start", ["2.04", "2.08"])
def test_a_copy_that_starts_where_sound_is_lost_has_all_that_comes_after(
    start: str, gappy: Path, tmp_path: Path, each_build: FfmpegBuild
) -> None:
    ran = one(gappy, start, tmp_path / "out", each_build, "--mode", "copy")
    assert ran.code == 0, ran.err
    (clip,) = ran.json["clips"]
    assert (clip["mode"], clip["changes"]) == ("copy", [])
    judged(gappy, start, clip)


def test_one_whose_first_sound_needs_what_is_lost_is_refused_and_cut_otherwise(
    gappy: Path, tmp_path: Path, each_build: FfmpegBuild
) -> None:
    refused = one(gappy, "2.12", tmp_path / "refused", each_build, "--mode", "copy")
    assert refused.code == 1
    assert "packets of its sound are lost just before 2.120 s" in refused.complaint
    assert "use --mode smart or --mode encode" in refused.complaint
    for mode in ("auto", "smart", "encode"):
        ran = one(gappy, "2.12", tmp_path / mode, each_build, "--mode", mode)
        assert ran.code == 0, ran.err
        (clip,) = ran.json["clips"]
        assert clip["mode"] == mode or (mode == "auto" and clip["mode"] != "copy")
        judged(gappy, "2.12", clip)


@pytest.fixture
def one_gone(make: Any) -> Path:
    """One packet of its sound is lost, from 2.090 to 2.113 s."""
    return losing(make, "one-gone.mkv", 2.08, 2.1)


@pytest.fixture
def stretched(make: Any) -> Path:
    """Packets of its sound are lost from 2.020 to 2.113 s: the one before lasts until then."""
    return losing(make, "stretched.mp4", 2.005, 2.095)


def test_one_packet_lost_is_seen_too(
    one_gone: Path, tmp_path: Path, each_build: FfmpegBuild
) -> None:
    refused = one(one_gone, "2.12", tmp_path / "refused", each_build, "--mode", "copy")
    assert refused.code == 1
    assert "packets of its sound are lost just before 2.120 s" in refused.complaint
    ran = one(one_gone, "2.12", tmp_path / "out", each_build, "--mode", "auto")
    assert ran.code == 0, ran.err
    (clip,) = ran.json["clips"]
    assert clip["mode"] in ("smart", "encode")
    judged(one_gone, "2.12", clip)


@pytest.mark.parametrize("start", ["2.08", "2.2"])
def test_a_copy_whose_first_sound_needs_none_of_it_is_still_made(
    start: str, one_gone: Path, tmp_path: Path, each_build: FfmpegBuild
) -> None:
    ran = one(one_gone, start, tmp_path / "out", each_build, "--mode", "copy")
    assert ran.code == 0, ran.err
    (clip,) = ran.json["clips"]
    assert (clip["mode"], clip["changes"]) == ("copy", [])
    judged(one_gone, start, clip)


@pytest.mark.parametrize(
    ("start", "lacks"), [("2.08", False), ("2.1", False), ("2.12", True), ("2.14", False)]
)
def test_only_what_begins_with_the_first_packet_behind_a_gap_needs_what_is_lost(
    start: str, lacks: bool, one_gone: Path
) -> None:
    """Packets follow at 2.113 and at 2.136 s."""
    upload = probe_upload(one_gone)
    start_s = upload.origin_ticks * upload.time_base + Fraction(start)
    assert lacks_needed_sound(upload, Settings(), start_s) == lacks


@pytest.mark.parametrize(("mode", "start"), [("copy", "2.04"), ("smart", "2.04"), ("copy", "2.2")])
def test_so_is_what_an_mp4_hides_in_a_packet_that_lasts_longer(
    mode: str, start: str, stretched: Path, tmp_path: Path, each_build: FfmpegBuild
) -> None:
    words = ("--mode", mode, "--audio", "copy")
    ran = one(stretched, start, tmp_path / "out", each_build, *words)
    assert ran.code == 0, ran.err
    (clip,) = ran.json["clips"]
    assert (clip["mode"], clip["changes"]) == (mode, [])
    judged(stretched, start, clip)


def test_and_a_copy_that_needs_that_is_refused(
    stretched: Path, tmp_path: Path, each_build: FfmpegBuild
) -> None:
    words = ("--mode", "copy", "--audio", "copy")
    refused = one(stretched, "2.12", tmp_path / "out", each_build, *words)
    assert refused.code == 1
    assert "packets of its sound are lost just before 2.120 s" in refused.complaint


@pytest.mark.parametrize("kind", [("mp4", "libopus", "2.2"), ("mkv", "alac", "2.31")])
def test_a_lost_packet_is_seen_where_lengths_do_not_tell(
    kind: tuple[str, str, str], make: Any, tmp_path: Path, each_build: FfmpegBuild
) -> None:
    """An MP4 has the packet of Opus before it last longer; ALAC in Matroska may have no lengths."""
    ending, codec, lost = kind
    coded = make(f"coded.{ending}", *CODING[:-1], codec, "-ar", "48000", source=SOUND)
    dropped = f"noise=drop='between(pts*tb,{lost},{lost}+0.02)'"
    film = make(f"lost-{codec}.{ending}", "-c", "copy", "-bsf:a", dropped, source=("-i", coded))
    for number, (mode, start) in enumerate(
        [("copy", "1"), ("copy", "1.5"), ("copy", "2.5"), ("smart", "1.5"), ("encode", "1.5")]
    ):
        words = ("--mode", mode, "--audio", "copy")
        ran = one(film, start, tmp_path / f"{number}", each_build, *words)
        assert ran.code == 0, ran.err
        judged(film, start, ran.json["clips"][0])


def test_a_copy_of_opus_hides_no_more_than_it_needs(
    make: Any, tmp_path: Path, build: FfmpegBuild
) -> None:
    """80 ms (RFC 7845, 4.6) and the packet that the start is in."""
    film = make("opus.mp4", *CODING[:-1], "libopus", source=SOUND)
    ran = one(film, "2.3", tmp_path / "out", build, "--mode", "copy", "--audio", "copy")
    assert ran.code == 0, ran.err
    clip = ran.json["clips"][0]
    judged(film, "2.3", clip)
    assert len(packets_of(Path(clip["file"]))) <= 1 / 0.02 + 1 + 5


def one(upload: Path, start: str, out: Path, build: FfmpegBuild, *words: str) -> Any:
    words = ("--hidden-preroll", "allow", "--ffmpeg", build.choice, "--json", *words)
    listed = out.with_suffix(".csv")
    listed.write_text(f"start_s,duration_s\n{start},1\n")
    return clipkit("cut", upload, "--out", out, "--clips", listed, *words)


def judged(upload: Path, start: str, clip: dict[str, Any]) -> None:
    verdict = Oracle(upload).judge(
        Asked.of(start, "1"), Path(clip["file"]), None, clip["mode"], clip["changes"]
    )
    assert verdict.outcome == RIGHT, str(verdict)


def packets_of(film: Path) -> list[bytes]:
    with av.open(str(film)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]
