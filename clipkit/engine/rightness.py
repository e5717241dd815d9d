"""Whether a clip is the one asked for: its frames, when each is shown, when it is heard. Stdlib only."""

from __future__ import annotations

from clipkit.engine.mp4 import SoundTrack, VideoTrack
from clipkit.plan.task import Heard, Hides, Task, Timing

# A first frame later than this is not "shown at 0 s"; MP4 timescales are finer than 0.1 ms.
_FIRST_SHOWN_TOLERANCE_S = 0.001
# Filters count in microseconds.
_ROUNDING_S = 1.5e-6
_IN_STEP_S = 0.001


def why_wrong(task: Task, video: VideoTrack, sound: SoundTrack | None) -> str | None:
    """Where the clip is not what the task says of a right one, in words; None: it is."""
    stored, frames = task.frames_stored, task.frames_shown
    if stored is not None and video.frames_stored != stored:
        return f"{video.frames_stored} frames instead of {stored}"
    if frames is not None and video.frames_shown != frames:
        return f"{video.frames_shown} frames shown instead of {frames}"
    if task.size is not None and (video.width, video.height) != task.size:
        wanted = "x".join(map(str, task.size))
        return f"a picture of {video.width}x{video.height} instead of {wanted}"
    if task.timing is None:
        late = abs(video.first_shown_s) > _FIRST_SHOWN_TOLERANCE_S
        return f"the first frame is shown at {video.first_shown_s:.4f} s" if late else None
    return (
        _wrong_times(task.timing, video)
        or (_wrong_sound(task.timing.heard, sound) if task.timing.heard else None)
        or (_wrongly_hidden(task.hides, video, sound) if task.hides else None)
    )


def _wrong_times(timing: Timing, video: VideoTrack) -> str | None:
    if video.frames_shown != timing.frames:
        return f"{video.frames_shown} frames shown instead of {timing.frames}"
    *wanted_s, end_s = timing.shown_s()
    within_s = video.tick_s + _ROUNDING_S
    for number, (at_s, right_s) in enumerate(zip(video.shown_s, wanted_s, strict=True), start=1):
        if abs(at_s - right_s) > within_s:
            return f"frame {number} of {timing.frames} is shown at {at_s:.6f} s instead of {right_s:.6f}"
    if abs(video.end_s - end_s) > within_s + video.movie_tick_s:
        return f"its pictures end at {video.end_s:.4f} s instead of {end_s:.4f}"
    return None


def _wrong_sound(heard: Heard, sound: SoundTrack | None) -> str | None:
    if sound is None:
        return f"it has no sound, the upload has some from {heard.from_s:.4f} to {heard.to_s:.4f} s"
    within_s = max(heard.slack_s, sound.frame_s) + _IN_STEP_S
    if abs(sound.from_s - heard.from_s) > within_s:
        return f"its sound starts at {sound.from_s:.4f} s instead of {heard.from_s:.4f}"
    if abs(sound.to_s - heard.to_s) > within_s:
        return f"its sound ends at {sound.to_s:.4f} s instead of {heard.to_s:.4f}"
    return None


def _wrongly_hidden(hides: Hides, video: VideoTrack, sound: SoundTrack | None) -> str | None:
    """What who ignores edit lists sees of it, and when its headers say that it ends."""
    hidden_s = video.hidden.before_s + video.hidden.behind_s
    if hidden_s > hides.pictures_s:
        return f"what it hides would be seen for {hidden_s:.4f} s"
    if sound and sound.early_s > hides.sound_s:
        return f"what it hides would be heard for {sound.early_s:.4f} s"
    within_s = video.tick_s + video.movie_tick_s + _ROUNDING_S
    for ends_s in video.ends_s:
        if abs(ends_s - video.end_s) > within_s:
            return (
                f"one of its headers ends it at {ends_s:.6f} s, its edit list at {video.end_s:.6f}"
            )
    return None
