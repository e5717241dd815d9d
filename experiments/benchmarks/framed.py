"""What cropping and scaling cost: CPU beside the whole picture's, and memory beside the model's.

    python experiments/benchmarks/framed.py

By each build. Uploads are the sample film; `memory_model` says how single clips are measured.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).with_name("memory_model")))

from points import Point, measured

from clipkit.media.probe import probe_upload
from clipkit.media.sample import sample
from clipkit.model.cpu import encoded_frame, work
from clipkit.settings import Settings

CLIP_S = 4.0
FRAMED: tuple[tuple[int, dict[str, Any]], ...] = (
    (1080, {"scale_height": 480}),
    (1080, {"crop": "9:16"}),
    (1080, {"crop": "1:1", "scale_height": 720}),
    (2160, {"scale_height": 720}),
)
"""Lines of an upload, and what clips show of it."""


def tell(build: str) -> None:
    scaled, errors = [], []
    for lines, shown in FRAMED:
        upload = probe_upload(sample(20, height=lines))
        for asked in (Settings(), Settings(preset="veryfast"), Settings(decoder_threads=4)):
            whole = measured("fit", upload, replace(asked, ffmpeg=build), CLIP_S)
            settings = replace(asked, ffmpeg=build, **shown)
            part = measured("fit", upload, settings, CLIP_S)
            picture = upload.framing(settings.crop, settings.scale_height)
            fraction, model = part.cpu_s / whole.cpu_s, _work(part, picture) / _work(whole, None)
            errors.append(part.error)
            if picture.is_scaled:
                scaled.append(fraction - model)
            print(
                f"{lines:>5}p to {picture.width}x{picture.height}, {settings.changed()}: "
                f"CPU {fraction:.2f} of the whole's (model {model:.2f}), memory off by {part.error:+.0%}",
                flush=True,
            )
    print(f"{build}: memory off by {min(errors):+.0%} to {max(errors):+.0%}")
    print(
        f"{build}: CPU where scaled off by {min(scaled):+.2f} to {max(scaled):+.2f} of the whole's"
    )


def _work(point: Point, picture: Any) -> float:
    each = encoded_frame(picture) if picture else None
    return work(point.frames_decoded, point.frames, *([each] if each else []))


if __name__ == "__main__":
    for name in ("bundled", "system"):
        tell(name)
