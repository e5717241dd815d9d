"""What ffmpeg is told of a clip's sound. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from clipkit.media.upload import AudioTrack, Upload
from clipkit.plan.entry import Cut, Entry
from clipkit.settings import Settings

# The layout that AAC has for so many channels, and how many that has (ISO/IEC 14496-3, table 1.19): of
# others alike in number each channel goes where it belongs. The one for 8 has other places than 7.1
# has, and ffmpeg 5.1 and 9.0 write 7.1 each in its own way: 7 and 8 are mixed down.
_LAYOUTS = {
    3: ("3.0", 3),
    4: ("4.0", 4),
    5: ("5.0", 5),
    6: ("5.1", 6),
    7: ("5.1", 6),
    8: ("5.1", 6),
}
_PAIR = ("stereo", 2)
_PACKET_SAMPLES = 2048  # of HE-AAC, twice what others have
_LEAST_RATE = 7350  # that AAC has
# Where packets are lost the encoder would go on at once, and where recordings overlap later: silence
# stands in, or what is too much is left out. Times in whole milliseconds jitter by less than this.
IN_STEP = "aresample=async=1:min_hard_comp=0.003"


def sound_of(upload: Upload, settings: Settings) -> AudioTrack | None:
    """What a clip has of the upload's sound."""
    return None if settings.audio == "none" else upload.sound


def has_sound(upload: Upload, settings: Settings) -> bool:
    return sound_of(upload, settings) is not None


def sound_stream(upload: Upload) -> str:
    """How ffmpeg's `-map` names it."""
    return f"a:{upload.sound_track}"


def sound_changes(upload: Upload, settings: Settings, options: Mapping[str, object]) -> list[str]:
    """What of a clip's sound, made with these options of ffmpeg's, is not as the upload has it, in words."""
    if settings.audio == "none":
        return []
    words = [upload.sound_note] if upload.sound_note else []
    sound = upload.sound
    if sound is None:
        return words
    if not is_copied(options) and _channels_kept(sound.channels) < sound.channels > 2:
        words.append(
            f"{sound.channels} channels of sound mixed down to {_channels_kept(sound.channels)}"
        )
    if settings.audio != "aac" and not is_copied(options):
        words.append(_encoded_anew(sound, settings))
    return words


def is_copied(options: Mapping[str, object]) -> bool:
    """Whether these options of an output copy its sound."""
    return options.get("c:a") == "copy"


def _encoded_anew(sound: AudioTrack, settings: Settings) -> str:
    """With the reason."""
    if settings.audio == "copy":
        return f"{sound.codec} sound encoded anew, as AAC: a copy could not begin with the first picture"
    if sound.codec != "aac":
        return f"{sound.codec} sound encoded as AAC, which all players know"
    if sound.frame_s > _longest_s(sound):
        return (
            f"AAC sound encoded anew: by the upload's clock one of its packets lasts {sound.frame_s:.3f} s, so a "
            "copy might not end with the pictures"
        )
    return "AAC sound encoded anew: a copy could not begin with the first picture"


def audio_options(cut: Cut, entry: Entry) -> dict[str, object]:
    """Sound of the same span as the pictures, in step with them, to within one audio frame."""
    frames, settings = cut.frames, cut.settings
    sound = sound_of(cut.upload, settings)
    if sound is None:
        return {"an": None}
    zero_s, end_s = (float(t - entry.origin_s) for t in (frames.zero_s, frames.end_s))
    if is_sound_copied(sound, settings) and zero_s == 0:
        # Only where the graph counts from the first frame: packets before it are left out whole.
        return {"c:a": "copy", "copypriorss": 0, "t": f"{end_s:.6f}"}
    trim = f"atrim=start={zero_s:.6f}:end={end_s:.6f},asetpts=PTS-{zero_s:.6f}/TB"
    return {"c:a": "aac", "b:a": "128k", "af": ",".join([trim, IN_STEP, *mixed_down(sound)])}


def is_sound_copied(sound: AudioTrack, settings: Settings) -> bool:
    """Not where the clock declares packets longer than any is: with such a one a clip would not end in time."""
    if settings.audio == "copy":
        return True
    return settings.audio == "auto" and sound.codec == "aac" and sound.frame_s <= _longest_s(sound)


def _longest_s(sound: AudioTrack) -> float:
    return 2 * _PACKET_SAMPLES / max(sound.sample_rate, _LEAST_RATE)


def mixed_down(sound: AudioTrack) -> list[str]:
    """Filters that make its channels such as AAC has; none where there are one or two."""
    if sound.channels <= 2:
        return []
    if sound.channels in _LAYOUTS:
        layout, _ = _LAYOUTS[sound.channels]
        return [f"aformat=channel_layouts={layout}"]
    # Not by what each is: of so many that is mostly not said. Pairs are left and right.
    left, right = ("+".join(f"c{n}" for n in range(side, sound.channels, 2)) for side in (0, 1))
    return [f"pan={_PAIR[0]}|FL<{left}|FR<{right}"]


def _channels_kept(channels: int) -> int:
    return _LAYOUTS.get(channels, _PAIR)[1]
