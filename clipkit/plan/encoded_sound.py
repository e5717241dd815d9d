"""What ffmpeg is told of a clip's sound. Pure."""

from __future__ import annotations

from clipkit.media.upload import Upload
from clipkit.plan.entry import Cut, Entry
from clipkit.settings import Settings


def has_sound(upload: Upload, settings: Settings) -> bool:
    return settings.audio != "none" and bool(upload.audio)


def audio_options(cut: Cut, entry: Entry) -> dict[str, object]:
    """Sound of the same span as the pictures, in step with them, to within one audio frame."""
    upload, frames, settings = cut.upload, cut.frames, cut.settings
    if not has_sound(cut.upload, settings):
        return {"an": None}
    first_s, end_s = frames.first_s - entry.origin_s, cut.clip.end_s - entry.origin_s
    copies = settings.audio == "copy" or (
        settings.audio == "auto" and upload.audio[0].codec == "aac"
    )
    if copies and first_s == 0:
        # Only where the graph counts from the first frame: packets before it are left out whole.
        return {"c:a": "copy", "copypriorss": 0, "t": f"{end_s:.6f}"}
    trim = f"atrim=start={first_s:.6f}:end={end_s:.6f},asetpts=PTS-{first_s:.6f}/TB"
    return {"c:a": "aac", "b:a": "128k", "af": trim}
