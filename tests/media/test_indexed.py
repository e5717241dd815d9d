"""Sound that is described by an MP4's index: the same as by reading each packet."""

from __future__ import annotations

import subprocess
from pathlib import Path

import av
import imageio_ffmpeg
import pytest
from making import Make
from shared_media import WHY_NOT, entries

from clipkit.errors import UploadError
from clipkit.media import scan
from clipkit.media.indexed import sound_indexes
from clipkit.media.probe import probe_upload
from clipkit.media.upload import Upload

AAC = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-c:a", "aac")
MADE = {
    "plain.mp4": (),
    "late.mp4": ("-af", "asetpts=PTS+0.3/TB"),
    "gap.mp4": ("-af", "aselect='not(between(t,0.7,1.1))'"),
    "slow.mp4": ("-ar", "8000"),
    "fragments.mp4": ("-movflags", "frag_keyframe+empty_moov"),
    "quicktime.mov": (),
    "other.mkv": (),
}


def both(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Upload, Upload]:
    """As it is described, and by reading each packet."""
    told = probe_upload(path, hashed=False)
    with monkeypatch.context() as patched:
        patched.setattr(scan, "sound_indexes", lambda _: {})
        return told, probe_upload(path, hashed=False)


def indexed(path: Path) -> int:
    with av.open(str(path)) as container:
        return len(sound_indexes(container))


@pytest.mark.parametrize("name", MADE)
def test_all_facts_are_the_same(make: Make, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(name, *AAC, *MADE[name])
    told, read = both(path, monkeypatch)
    assert told == read
    assert told.sound
    assert indexed(path) == (name not in ("fragments.mp4", "other.mkv"))


def test_of_real_uploads_too(monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = [path for path, _ in entries(has_video=True)]
    if not uploads:
        pytest.skip(WHY_NOT)
    some = 0
    for path in uploads:
        try:
            told, read = both(path, monkeypatch)
        except UploadError:
            continue
        assert told == read, path
        some += bool(told.sound) and indexed(path) > 0
    assert some > 5


def test_a_film_that_ends_before_its_sound_is_read(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make("front.mp4", *AAC, "-movflags", "+faststart").read_bytes()
    cut_off = tmp_path / "cut-off.mp4"
    cut_off.write_bytes(whole[: len(whole) * 3 // 4])
    assert indexed(cut_off) == 0
    told, read = both(cut_off, monkeypatch)
    assert told == read
    assert told.sound
    assert told.sound.heard_s
    assert float(told.sound.heard_s[-1][1]) < told.duration_s


@pytest.mark.parametrize("first", ["subtitles", "sound"])
def test_a_film_that_is_not_the_first_stream(make: Make, tmp_path: Path, first: str) -> None:
    """What flushes a decoder at the end has no stream of its own."""
    words, text = tmp_path / "words.srt", tmp_path / "film.mp4"
    words.write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    film = make("plain.mp4", *AAC)
    order = {"subtitles": ("1", "0:v", "0:a"), "sound": ("0:a", "0:v", "1")}[first]
    maps = [word for each in order for word in ("-map", each)]
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", film, "-i", words, *maps]
    subprocess.run([*argv, "-c", "copy", "-c:s", "mov_text", text], check=True)
    told, plain = probe_upload(text), probe_upload(film)
    assert told.video_stream == 1
    assert told.frame_times_s == plain.frame_times_s
    assert told.sound
    assert told.sound.heard_s == (plain.sound and plain.sound.heard_s)
