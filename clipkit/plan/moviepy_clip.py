"""Cuts one clip with moviepy, as its manual has it: a process of its own, started by the engine.

python -m clipkit.plan.moviepy_clip FFMPEG INPUT START END OUTPUT -preset P [-crf N] [-threads N]
    [-crop CROP] [-height N]
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from clipkit.media.geometry import Shape, framed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, kind in (("ffmpeg", str), ("input", str), ("start", float), ("end", float)):
        parser.add_argument(name, type=kind)
    parser.add_argument("output", type=Path)
    parser.add_argument("-preset", required=True)
    parser.add_argument("-crf")
    parser.add_argument("-threads", type=int)
    parser.add_argument("-crop")
    parser.add_argument("-height", type=int)
    asked = parser.parse_args()

    # What moviepy would find by itself is the bundled build; it looks while it is imported.
    os.environ |= {"FFMPEG_BINARY": "ffmpeg-imageio", "IMAGEIO_FFMPEG_EXE": asked.ffmpeg}
    from moviepy import VideoFileClip  # noqa: PLC0415

    with VideoFileClip(asked.input) as film:
        clip = film.subclipped(asked.start, asked.end)
        frame = framed(Shape(*clip.size), asked.crop, asked.height, asked.input)
        if frame.is_cropped:
            part = {"width": frame.part_width, "height": frame.part_height}
            clip = clip.cropped(x1=frame.x, y1=frame.y, **part)
        if frame.is_scaled:
            clip = clip.resized((frame.width, frame.height))
        clip.write_videofile(
            str(asked.output),
            codec="libx264",
            preset=asked.preset,
            threads=asked.threads,
            audio_codec="aac",
            temp_audiofile_path=str(asked.output.parent),
            ffmpeg_params=["-crf", asked.crf] if asked.crf else None,
            logger=None,
        )


if __name__ == "__main__":
    main()
