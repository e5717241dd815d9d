"""How many pictures a clip's decoder and x264 hold, by the settings and by the rules of both. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from clipkit.media.avc import Avc
from clipkit.settings import Settings, UsedSettings


@dataclass(frozen=True, slots=True)
class Preset:
    """As x264's own list of its presets has it (`x264 --fullhelp`). `refines`: it looks for motion between
    pixels."""

    lookahead: int
    bframes: int
    refs: int
    mbtree: bool = True
    refines: bool = True


PRESETS = {
    "ultrafast": Preset(0, 0, 1, mbtree=False, refines=False),
    "superfast": Preset(0, 3, 1, mbtree=False),
    "veryfast": Preset(10, 3, 1),
    "faster": Preset(20, 3, 2),
    "fast": Preset(30, 3, 2),
    "medium": Preset(40, 3, 3),
    "slow": Preset(50, 3, 5),
    "slower": Preset(60, 3, 8),
    "veryslow": Preset(60, 8, 16),
    "placebo": Preset(60, 16, 16),
}
PYRAMID = 4
"""So many references at least has a stream in which B-frames refer to B-frames."""


@dataclass(frozen=True, slots=True)
class FramesHeld:
    """`waiting`: pictures that x264 has taken and not coded yet; `references`: coded ones that it predicts
    from or is at work on, with their planes between pixels as `refined`; `decoding`: pictures at work in the
    decoder's threads. The more of any, the more memory."""

    waiting: int
    references: int
    refined: int
    decoding: int


@dataclass(frozen=True, slots=True)
class Encoder:
    """What x264 is told, where a setting is None its preset's."""

    lookahead: int
    mbtree: bool
    bframes: int
    refs: int


def encoder_of(settings: Settings) -> Encoder:
    preset = PRESETS[settings.preset]
    lookahead = preset.lookahead if settings.lookahead is None else settings.lookahead
    mbtree = preset.mbtree if settings.mbtree is None else settings.mbtree
    return Encoder(
        lookahead=lookahead,
        mbtree=mbtree and lookahead > 0,  # it needs one, and is switched off without
        bframes=preset.bframes if settings.bframes is None else settings.bframes,
        refs=preset.refs if settings.refs is None else settings.refs,
    )


def beside_copies(settings: Settings, avc: Avc | None) -> Settings:
    """As pictures are encoded that go with copied ones of an upload that is coded so."""
    return settings if avc is None else replace(settings, bframes=avc.bframes(settings.bframes))


def encoder_threads_alone(cores: int) -> int:
    """How many x264 takes where it is not told: of the CPUs that it may run on, not of those that a quota
    leaves it."""
    return max(1, cores * 3 // 2)


def decoder_threads_alone(cores: int) -> int:
    """The same of ffmpeg's decoders."""
    return min(16, cores + 1) if cores > 1 else 1


def frames_held(
    settings: Settings | UsedSettings, cores: int, lines: int | None = None
) -> FramesHeld:
    """`cores`: what ffmpeg sees. `lines`: of the encoded picture, two rows of whose blocks are the least that
    x264 takes a thread for. What is unknown of settings used counts as at its default."""
    if isinstance(settings, UsedSettings):
        settings = settings.asked()
    told = encoder_of(settings)
    threads = settings.encoder_threads
    if not threads:
        threads = encoder_threads_alone(cores)
        if lines is not None:
            threads = max(1, min(threads, (lines + 15) // 16 // 2))
    # x264's `validate_parameters` and `x264_encoder_open`: what it looks ahead counts only where the tree of
    # blocks is kept; one thread more than the first looks ahead by itself, in step with the B-frames.
    ahead = max(told.bframes, told.lookahead if told.mbtree else 0)
    in_step = told.bframes + 1 if threads > 1 else 0
    referred = max(told.refs, PYRAMID if told.bframes > 1 else told.bframes + 1)
    references = referred + threads
    decoding = settings.decoder_threads or decoder_threads_alone(cores)
    return FramesHeld(
        waiting=ahead + in_step + threads,
        references=references,
        refined=references if PRESETS[settings.preset].refines else 0,
        decoding=decoding if decoding > 1 else 0,
    )
