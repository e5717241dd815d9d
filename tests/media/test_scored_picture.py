"""Which pictures are scored: an older ffmpeg shows what parameters cut off at the left, unless told otherwise."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import av
from av.codec.context import Flags
from making import Make

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload
from clipkit.media.quality import score_clip
from clipkit.media.vmaf import Original
from clipkit.plan.clips import Clip
from clipkit.plan.frames import span


def test_of_an_upload_and_a_clip_that_was_copied_of_it_what_players_show(
    make: Make, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    """No build before 7.1 that has libvmaf is at hand: this one says what it was asked, and what that decodes
    is looked at with each that is."""
    source = ("-f", "lavfi", "-i", "testsrc2=size=480x288:rate=25:duration=1.2")
    whole = make("left_whole.mp4", "-c:v", "libx264", "-crf", "12", source=source)
    crop = "h264_metadata=crop_left=8:crop_right=4:crop_top=6:crop_bottom=2"
    cropped = make("left_cropped.mp4", "-c", "copy", "-bsf:v", crop, source=("-i", str(whole)))
    with av.open(str(cropped)) as container:
        container.streams.video[0].codec_context.flags |= Flags.unaligned
        shown = next(container.decode(video=0)).to_ndarray(format="yuv420p").tobytes()
    spy = tmp_path / "ffmpeg"
    spy.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/words; exit 1\n')
    spy.chmod(0o755)
    upload = probe_upload(cropped)
    scoring = replace(each_build, path=str(spy), filters={"libvmaf"})
    score_clip(upload, Original(upload, span(upload, Clip(0.0, 1.2))), scoring)
    words = (tmp_path / "words").read_text().splitlines()
    first = words.index("-copyts") + 1
    second = words.index("-i") + 2
    for options in (words[first:second], words[second : words.index("-filter_complex")]):
        argv = [each_build.path, "-v", "error", *options, "-frames:v", "1", "-f", "rawvideo", "-"]
        seen = subprocess.run(argv, capture_output=True, check=True).stdout
        assert seen == shown
