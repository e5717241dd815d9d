"""The recommended settings in the terms of the user's own backend. Pure: text from settings.

Where they change a command of the user's, that is written, word for word but for the change; else one
that seeks and encodes as recommended (exact frames and checked outputs are what `clipkit cut` adds).
The programmes themselves lie in `snippets/`, with `@name@` for what varies.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from clipkit.errors import UsageError
from clipkit.legal import unknown_word
from clipkit.media.formats import GUARD, local
from clipkit.plan.auto import AUTO, ENCODE
from clipkit.plan.baselines import Template
from clipkit.plan.framing_words import framing_chain
from clipkit.plan.together import GOP
from clipkit.settings import ZIMG, Settings
from clipkit.tuning.change import Change
from clipkit.tuning.config import Measured
from clipkit.tuning.programmes import FORMS, Programme

Options = list[str]

# Without copypriorss, a clip would carry the sound since the key frame before it, hidden.
_COPY = ["-c:a", "copy", "-copypriorss", "0"]
_COPY_AAC = [*_COPY, "-bsf:a", "aac_adtstoasc"]
_ENCODE = ["-c:a", "aac", "-b:a", "128k"]
# What to try, in this order.
_SOUND = {
    "auto": [_COPY_AAC, _ENCODE],
    "aac": [_ENCODE],
    "copy": [_COPY],
    "none": [["-an"]],
}
_WHY_SOUND = (
    "AAC is copied; the bitstream filter fails at once on any other sound: then it is encoded."
)
_WHY_GUARDED = "The whitelists keep an upload from having other files of this host opened."
_WRITTEN = (ENCODE, AUTO)
"""The modes that the snippets know: of the second its re-encoding, which is right for every clip."""
_WHY_ENCODED = (
    "Every clip is re-encoded: copying parts of it, as mode auto does, takes clipkit's engine."
)

_WHY_SWSCALE = (
    "Scaled by swscale, which every ffmpeg has and which was not measured here: zimg, which was, makes pictures that "
    "look alike for less CPU."
)

_WHY_ALONE = (
    "Each clip is cut by an ffmpeg of its own: what was measured had one cut those that share pictures, for less CPU, as "
    "clipkit's engine does."
)


def scaled_by_another(settings: Settings) -> bool:
    """Whether what is written here scales by swscale, and what was measured did by zimg."""
    return settings.scaler == ZIMG and settings.scale_height is not None


def cut_in_groups(settings: Settings) -> bool:
    """Whether what is written here cuts each clip by itself, and what was measured did not."""
    return settings.together == GOP


def export_settings(
    settings: Settings,
    form: str,
    command: Template | None = None,
    measured: Measured | None = None,
) -> str:
    """A programme to paste. `command`: the user's own, which the settings change; `measured`: where they
    come from, for its head.

    Raises UsageError for an unknown form, or what that form cannot say; TemplateError for a command
    that cannot be changed so.
    """
    if form not in FORMS:
        raise UsageError(unknown_word("form", form, [*FORMS, "admission"]))
    programme = _of_settings(settings) if command is None else _of_command(command, settings)
    origin = [] if measured is None else [f"Measured: {measured.words}."]
    return FORMS[form](programme.headed(origin))


def _of_command(command: Template, settings: Settings) -> Programme:
    change = Change.of(command, settings)
    head = "Cuts clips with your own command as clipkit measured it to be the best for the host:"
    return Programme(
        head=(head, f"{'; '.join(change.words)}.", _WHY_GUARDED),
        commands=(change.guarded_argv,),
        at_once=change.commands_at_once,
    )


def _of_settings(settings: Settings) -> Programme:
    if settings.mode not in _WRITTEN:
        raise UsageError(
            f"mode '{settings.mode}' cannot be exported, what it takes is more than a line of ffmpeg: "
            f"set mode to {' or '.join(_WRITTEN)}, or cut with clipkit cut --mode {settings.mode}"
        )
    alone = ["-nostdin", "-v", "error", "-y", *_filter_threads(settings), *GUARD]
    film, seek = ["-i", local("{input}")], ["-ss", "{start}"]
    places = [*seek, *film] if settings.seek == "input" else [*film, *seek]
    before = [*alone, *_threads(settings.decoder_threads), *places, "-t", "{duration}"]
    return Programme(
        head=(
            "Cuts clips with the settings that clipkit measured as the best for the host.",
            "`clipkit cut` adds exact frames, tone mapping of HDR, the sound of the film's own "
            "programme, and a check of every clip.",
            *([_WHY_ENCODED] if settings.mode == AUTO else []),
            *([_WHY_SWSCALE] if scaled_by_another(settings) else []),
            *([_WHY_ALONE] if cut_in_groups(settings) else []),
        ),
        commands=tuple(
            ("ffmpeg", *before, *_before_output(settings), *sound, local("{output}"))
            for sound in _SOUND[settings.audio]
        ),
        at_once=settings.concurrency,
        why_several=_WHY_SOUND if settings.audio == "auto" else "",
    )


def one_line(settings: Settings) -> str:
    """The shortest change in fluent-ffmpeg's terms: what is not as in the backend that the baselines
    describe (preset `ultrafast`, CRF 23, sound copied, ffmpeg's own choice of decoder threads)."""
    usual = Settings()
    after = [*_threads(settings.encoder_threads, always=True), *_frames_held(settings)]
    after = [*_filters(settings), *after]
    if settings.crf != usual.crf:
        after = ["-crf", str(settings.crf), *after]
    if settings.preset != usual.preset:
        after = ["-preset", settings.preset, *after]
    if settings.audio in {"aac", "none"}:
        after += _SOUND[settings.audio][0]
    before = _js_call("inputOptions", _threads(settings.decoder_threads))
    return f".{_js_seek(settings)}(start){before}{_js_call('outputOptions', after)}"


def _before_output(settings: Settings) -> Options:
    """Browsers play 8 bit 4:2:0, and start sooner where the index comes first."""
    pixels = ["-pix_fmt", "yuv420p"] if settings.hdr == "sdr" else []
    return [
        *_filters(settings),
        *("-c:v", "libx264", "-preset", settings.preset, "-crf", str(settings.crf)),
        *_threads(settings.encoder_threads),
        *_frames_held(settings),
        *pixels,
        *("-movflags", "+faststart", "-f", "mp4"),
    ]


def _filters(settings: Settings) -> Options:
    chain = framing_chain(settings)
    return ["-vf", chain] if chain else []


def _filter_threads(settings: Settings) -> Options:
    """Without filters they change nothing."""
    told = settings.filter_threads and framing_chain(settings)
    return ["-filter_threads", str(settings.filter_threads)] if told else []


def _threads(count: int, always: bool = False) -> Options:
    return ["-threads", str(count)] if count or always else []


def _frames_held(settings: Settings) -> Options:
    """What decides how many frames x264 keeps in memory, where it is not as the preset has it."""
    options = ["-bf", str(settings.bframes)] if settings.bframes is not None else []
    if settings.refs is not None:
        options += ["-refs", str(settings.refs)]
    x264 = []
    if settings.lookahead is not None:
        x264.append(f"rc-lookahead={settings.lookahead}")
    if settings.mbtree is not None:
        x264.append(f"mbtree={int(settings.mbtree)}")
    return [*options, "-x264-params", ":".join(x264)] if x264 else options


def _js_seek(settings: Settings) -> str:
    return "seekInput" if settings.seek == "input" else "seek"


def _js_call(method: str, options: Sequence[str]) -> str:
    """`.inputOptions('-threads 1')`; nothing where there are no options. fluent-ffmpeg takes an option
    and its value as one word with a blank in between."""
    if not options:
        return ""
    joined = " ".join(options).replace("\\", "\\\\")
    words = [f"'{option.strip()}'" for option in re.split(r" (?=-[a-z])", joined)]
    return f".{method}({words[0] if len(words) == 1 else '[' + ', '.join(words) + ']'})"
