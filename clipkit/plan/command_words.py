"""What an ffmpeg command line says of how it cuts, in the terms of our settings. Pure.

What the words do not state is None: ffmpeg decides it, and our defaults do not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clipkit.errors import SettingsError
from clipkit.plan.clips import Clip, Job
from clipkit.plan.ffmpeg_words import FfmpegWords, File, Option, take_apart
from clipkit.plan.frames import frames_decoded_from
from clipkit.plan.framing_words import read_framing
from clipkit.plan.picture_options import picture_options_of
from clipkit.plan.x264_words import (
    X264,
    count_of,
    option_value,
    said_to_another,
    said_to_x264,
    states_rate,
)
from clipkit.settings import Settings, UsedSettings, knobs


@dataclass(frozen=True, slots=True)
class Encoding:
    """What no setting of ours says: None is not stated, or none (a copy has no encoder)."""

    video_encoder: str | None = None
    bitrate_bps: int | None = None
    filters: str | None = None


@dataclass(frozen=True, slots=True)
class CommandWords:
    """What the words state. `copies_video`: the picture is copied, nothing is decoded. `rate_stated`:
    they say how much a picture may cost, by CRF or otherwise.

    `picture_options` are those that change the picture or the sound and that clipkit's own engine
    cannot express: where there are any, it does not make the same clips.
    """

    settings: UsedSettings
    encoding: Encoding
    copies_video: bool = False
    rate_stated: bool = False
    picture_options: tuple[str, ...] = ()

    @property
    def seek(self) -> str | None:
        """Which side of the input it seeks on; None also where it does on both."""
        side: str | None = self.settings.seek
        return side

    def frames_decoded(self, job: Job, clip: Clip) -> int | None:
        """None where they do not tell from where it decodes."""
        if self.copies_video:
            return 0
        return None if self.seek is None else frames_decoded_from(job, clip, self.seek)

    @property
    def video_encoder(self) -> str | None:
        return self.encoding.video_encoder

    @property
    def bitrate_bps(self) -> int | None:
        return self.encoding.bitrate_bps

    @property
    def filters(self) -> str | None:
        return self.encoding.filters

    @property
    def by_x264(self) -> bool:
        """Whether x264 encodes, as far as the words tell: what states no encoder gets it in an MP4."""
        return not self.copies_video and self.video_encoder in (None, *X264)

    def asked(self) -> Settings:
        """Settings that ask for what the words do: what they leave to ffmpeg is at its own choice
        (threads 0, preset `medium`, CRF 23), what they leave open at our default."""
        of_itself: dict[str, Any] = {
            "preset": "medium",
            "crf": 23,
            "encoder_threads": 0,
            "decoder_threads": 0,
            "filter_threads": 0,
        }
        stated = {name: value for name, value in self.settings.items() if value is not None}
        return Settings(**of_itself | stated)


NOTHING = CommandWords(UsedSettings.of({}), Encoding())
"""Of a programme that is not ffmpeg, or one behind a shell's own language."""


def read_words(argv: Sequence[str]) -> CommandWords:
    """What a template's words state."""
    words = take_apart(argv)
    film, clip = (None, None) if words is None else the_files(words)
    if words is None or film is None or clip is None:
        return NOTHING
    codec, shows = option_value(clip.last("c", "v")), clip.last("vn") is None
    copies = codec == "copy" and shows
    encoder = codec if codec != "copy" and shows else None
    seek = _seek(film, clip)
    known: dict[str, object] = {
        "seek": seek,
        "mode": ("snap" if seek == "input" else None) if copies else "encode" if shows else None,
        "audio": _sound(clip),
        "decoder_threads": count_of(option_value(film.last("threads", "v"))),
        "filter_threads": count_of(option_value(words.globally("filter_threads"))),
    }
    bitrate_bps = None
    if shows and not copies:
        stated = said_to_x264(clip) if encoder in (None, *X264) else said_to_another(clip)
        bitrate_bps = stated.pop("bitrate")
        known |= stated | _framing(words, clip)
    legal = {name: value for name, value in known.items() if _is_legal(name, value)}
    odd = tuple(picture_options_of(words, film, clip, legal))
    filters = _filters(words, clip) if shows and not copies else None
    encoding = Encoding(encoder, bitrate_bps, filters)
    return CommandWords(UsedSettings.of(legal), encoding, copies, states_rate(clip), odd)


def the_files(words: FfmpegWords) -> tuple[File | None, File | None]:
    """The input that is the upload, and the output that is the clip; None where that is not clear."""
    films = [file for file in words.inputs if "{input}" in file.name]
    clips = [file for file in words.outputs if "{output}" in file.name]
    return (films[0] if len(films) == 1 else None), (clips[0] if len(clips) == 1 else None)


def seek_option(file: File) -> Option | None:
    """Its option that seeks; to the film's start is nowhere."""
    option = file.last("ss")
    return option if option is not None and (option.value or "").strip("0:.") else None


def _seek(film: File, clip: File) -> str | None:
    """None also where it seeks on both sides, or from the film's end."""
    before, after = seek_option(film) is not None, seek_option(clip) is not None
    if before == after or film.last("sseof") is not None:
        return None
    return "input" if before else "output"


def _sound(clip: File) -> str | None:
    maps = [option.value or "" for option in clip.options if option.name == "map"]
    only_pictures = bool(maps) and all(re.match(r"0:[vV]", name) for name in maps)
    if clip.last("an") is not None or only_pictures:
        return "none"
    codec = option_value(clip.last("c", "a"))
    return codec if codec in ("copy", "aac") else None


def _filters(words: FfmpegWords, clip: File) -> str | None:
    """Each graph as it is stated; several are joined as they would stand in the command."""
    graphs = [clip.last("filter", "v"), words.globally("filter_complex")]
    stated = [option.value for option in graphs if option is not None and option.value]
    return " ".join(stated) or None


def _framing(words: FfmpegWords, clip: File) -> dict[str, object]:
    """Crop and height, where all that its filters do is to set them."""
    chain = option_value(clip.last("filter", "v"))
    if not chain or words.globally("filter_complex") is not None:
        return {}
    found = read_framing(chain)
    return {"crop": found.crop, "scale_height": found.scale_height}


_KNOBS = {knob.name: knob for knob in knobs()}


def _is_legal(name: str, value: object) -> bool:
    """What is stated but no value of ours (CRF 23.5, another encoder's preset) is not in a setting."""
    if value is None:
        return False
    try:
        _KNOBS[name].check(value)
    except SettingsError:
        return False
    return True
