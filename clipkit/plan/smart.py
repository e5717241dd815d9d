"""Tasks of clipkit's own engine, mode `smart`: exactly the frames of each clip, most of them copied.

Encoded are the pictures before the first one at which decoding can start anew, and those at the end that
cannot be decoded without pictures beyond it; what lies between is copied, bit by bit. So nothing is hidden,
and what a clip costs does not grow with its length. One ffmpeg makes all parts, each from an input of its
own, and the engine joins them (`clipkit.engine.joining` says why not ffmpeg).

The seam is an IDR picture: another parameter set may begin there alone (ISO/IEC 14496-10, 7.4.1.2.1). A clip
in which there is none, as in films of open groups, is encoded whole, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from clipkit.errors import ModeRefused
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.avc import Avc
from clipkit.media.upload import Upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.colours import tone_mapped
from clipkit.plan.copyable import check_sound
from clipkit.plan.damage import damage_signs
from clipkit.plan.encode import encode_tasks, most_bytes
from clipkit.plan.encoded_sound import sound_changes
from clipkit.plan.entry import Cut
from clipkit.plan.frames import span
from clipkit.plan.own_pictures import as_shown_in
from clipkit.plan.seams import seams
from clipkit.plan.smart_steps import Joined, sound_options, steps_of
from clipkit.plan.task import Attempt, Task
from clipkit.settings import Settings

_ENCODE = "encode"
_PROFILES = (66, 77, 100)
_PLAYABLE = ("yuv420p", "yuvj420p")
_MOST_NUMBERS = 31


def smart_tasks(job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:
    """One task a clip, in the job's order.

    Raises ModeRefused where the upload's pictures cannot be joined with encoded ones, ClipRangeError for a
    clip outside its upload, FfmpegError where the build lacks a need.
    """
    avc = _joinable(job.upload, settings)
    build.require(encoders=("libx264",))
    cuts = [Cut(job.upload, clip, span(job.upload, clip), settings, build) for clip in job.clips]
    return [_task(number, cut, avc) for number, cut in enumerate(cuts, 1)]


def check_smart(upload: Upload, clip: Clip, settings: Settings) -> None:
    """Raises ModeRefused where the clip is not made of parts: mode smart refuses it, or encodes all of it.
    Raises ClipRangeError outside its upload."""
    _joinable(upload, settings)
    why_not = seams(upload, span(upload, clip))
    if isinstance(why_not, str):
        raise ModeRefused(f"nothing of the clip from {clip.start_s:g} s can be copied: {why_not}")


def _joinable(upload: Upload, settings: Settings) -> Avc:
    """Raises ModeRefused."""
    instead = "use --mode encode"
    for name in ("crop", "scale_height"):
        if getattr(settings, name) is not None:
            raise ModeRefused(
                f"mode smart copies most pictures of {upload.path} as they are, so {name} needs mode encode"
            )
    check_sound(upload, settings)
    if upload.codec != "h264":
        raise ModeRefused(
            f"{upload.path} holds {upload.codec}, and mode smart joins H.264 alone: {instead}"
        )
    avc = upload.avc
    if avc is None:
        raise ModeRefused(
            f"{upload.path} does not say in one way how its pictures are coded, so none can be encoded to go "
            f"with them: {instead}"
        )
    if upload.pixel_format not in _PLAYABLE or avc.profile not in _PROFILES:
        raise ModeRefused(
            f"{upload.path} holds H.264 in {upload.pixel_format} of profile {upload.profile}, which browsers do "
            f"not play: {instead}"
        )
    if not avc.frames_only:
        raise ModeRefused(
            f"{upload.path} is coded in fields (interlaced), which nothing here encodes to go with them: {instead}"
        )
    if tone_mapped(upload, settings):
        raise ModeRefused(f"{upload.path} is HDR, which a copy stays: {instead}, or --hdr keep")
    if len(avc.numbers) > _MOST_NUMBERS:
        raise ModeRefused(f"{upload.path} has no number left for a parameter set: {instead}")
    return avc


def _task(number: int, cut: Cut, avc: Avc) -> Task:
    upload = cut.upload
    alone = replace(cut.settings, mode=_ENCODE)
    [whole] = encode_tasks(Job(upload, (cut.clip,), None), alone, cut.build)
    whole = replace(whole, number=number, output=f"clip-{number:03d}.mp4")
    found = seams(upload, cut.frames)
    if isinstance(found, str):
        return replace(whole, attempts=tuple(_encoded_whole(whole, found)))
    joined = Joined(cut, found, avc)
    attempts = (
        Attempt(
            steps_of(joined, from_start),
            change=_change(joined, from_start),
            encoded_frames=joined.encoded_frames,
        )
        for from_start in ((True,) if cut.settings.seek == "output" else (False, True))
    )
    instead = _encoded_whole(whole, "its parts could not be joined")
    return replace(
        whole,
        attempts=(
            *attempts,
            *(replace(each, needs_bytes=whole.predicted_bytes) for each in instead),
        ),
        predicted_bytes=most_bytes(replace(cut, upload=as_shown_in(upload, cut.frames))),
        # Turned by the player and not by the encoder.
        size=None if upload.rotation_deg else (upload.coded_width, upload.coded_height),
        damage=damage_signs(upload.video_stream, inputs=r"\d+"),
        max_output_bytes=whole.max_output_bytes + upload.size_bytes,
    )


def _encoded_whole(task: Task, why: str) -> Iterator[Attempt]:
    for attempt in task.attempts:
        words = [*([attempt.change] if attempt.change else []), f"encoded whole: {why}"]
        yield replace(attempt, change="; ".join(words), mode=_ENCODE)


def _change(joined: Joined, from_start: bool) -> str | None:
    words = sound_changes(joined.cut.upload, joined.cut.settings, sound_options(joined))
    words += ["read from the upload's start"] if from_start else []
    return "; ".join(words) or None
