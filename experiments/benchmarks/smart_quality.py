"""What the encoded part of a clip by mode `smart` looks like beside the upload, by how many bits a pixel that has.

    python experiments/benchmarks/smart_quality.py [UPLOAD] [--preset PRESET]

40 s of the film are coded at five qualities with a group of pictures every 4 s, as uploads that are rich or poor in
bits; of each two seconds before three of its key frames are cut by mode `smart`, and one picture more, so that
all but that one is encoded. VMAF is against that upload, which the rule is to resemble, not against the film. Beside
it mode `encode` at CRFs around the rule's. Bytes are the pictures' own, relative to the upload's in the same place. A few
minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import av

from clipkit import ffmpeg_builds
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload
from clipkit.media.sample import find_sample
from clipkit.media.upload import Upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.smart_pictures import bits_a_pixel, crf_like
from clipkit.plan.subjects import Engine
from clipkit.settings import PRESETS, Settings
from clipkit.tables import Table
from clipkit.tuning.picture import Way, cut_picture

QUALITIES = (14, 18, 23, 28, 33)
LENGTH_S, GROUP_S, BEFORE_S = 40, 4, 2
AROUND = (-4, 0, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description="VMAF of what mode smart encodes.")
    parser.add_argument("upload", nargs="?", default="sample", metavar="UPLOAD")
    parser.add_argument("--preset", choices=PRESETS, default="ultrafast")
    asked = parser.parse_args()
    film, build = find_sample(asked.upload), ffmpeg_builds.find_build("bundled")
    heads = ("bits a pixel", "mode", "CRF", "VMAF", "5th percentile", "worst second", "bytes")
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for quality in QUALITIES:
            rows += compared(coded(film, quality, folder, build), asked.preset, build, folder)
            print(f"coded at CRF {quality}: {', '.join(rows[-len(AROUND) - 1])}", flush=True)
    print("\n".join(Table(heads, tuple(rows)).lines()))


def coded(film: Path, quality: int, folder: Path, build: FfmpegBuild) -> Upload:
    """The film as an upload of that quality."""
    path = folder / f"at-{quality}.mp4"
    source = (
        "-nostdin",
        "-v",
        "error",
        "-y",
        "-t",
        str(LENGTH_S),
        "-i",
        str(film),
        "-map",
        "0:v:0",
    )
    keys = ("-force_key_frames", f"expr:gte(t,n_forced*{GROUP_S})", "-x264-params", "open-gop=0")
    coding = ("-c:v", "libx264", "-preset", "medium", "-crf", str(quality), "-pix_fmt", "yuv420p")
    subprocess.run([build.path, *source, *coding, *keys, str(path)], check=True)
    return probe_upload(path)


def compared(
    upload: Upload, preset: str, build: FfmpegBuild, folder: Path
) -> list[tuple[str, ...]]:
    """A row for mode `smart`, and one for each CRF of mode `encode` around its own."""
    keys_s = [key for key in upload.key_frame_times_s if key > BEFORE_S][:9:3]
    clips = tuple(Clip(key - BEFORE_S, BEFORE_S + 1 / upload.fps) for key in keys_s)
    rule = crf_like(upload)
    ways = [("smart", rule), *(("encode", rule + more) for more in AROUND)]
    rows = []
    for mode, crf in ways:
        settings = Settings(mode=mode, crf=crf, preset=preset, audio="none")
        picture = cut_picture(
            Job(upload, clips, None), Way(Engine(), settings), build, folder
        ).picture
        score = picture.quality
        if score is None:
            raise SystemExit(f"VMAF was not scored: {picture.why}")
        ratio = picture.video_bytes / bytes_of(upload, clips)
        scores = (f"{value:.1f}" for value in (score.mean, score.p5, score.worst_second))
        rows.append((f"{bits_a_pixel(upload):.3f}", mode, str(crf), *scores, f"{ratio:.1f} times"))
    return rows


def bytes_of(upload: Upload, clips: tuple[Clip, ...]) -> int:
    """The upload's own pictures shown in the clips."""
    with av.open(str(upload.path)) as container:
        sized = [
            (float(packet.pts * packet.time_base), packet.size)
            for packet in container.demux(video=0)
            if packet.pts is not None
        ]
    half_s = 0.5 / upload.fps
    return sum(
        size
        for clip in clips
        for at_s, size in sized
        if clip.start_s - half_s < at_s < clip.end_s - half_s
    )


if __name__ == "__main__":
    main()
