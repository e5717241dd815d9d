"""The recommended settings in the terms of the user's own backend. Pure: text from settings.

What is exported seeks and encodes as recommended; exact frames and checked outputs are what
`clipkit cut` adds. The programmes themselves lie in `snippets/`, with `@name@` for what varies.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from importlib import resources

from clipkit.errors import UsageError
from clipkit.legal import unknown_word
from clipkit.settings import Settings

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
_WHY_SEEK = {
    "input": "before the input: decodes from the key frame, not from the film's start",
    "output": "after the input: decodes from the film's start",
}
_PLACEHOLDER = re.compile(r"@(\w+)@")
_WRITTEN = ("encode",)
"""The modes that the snippets know."""


def export_settings(settings: Settings, form: str) -> str:
    """A programme to paste. Raises UsageError for an unknown form, or a mode that no form can say."""
    if form not in FORMS:
        raise UsageError(unknown_word("form", form, FORMS))
    if settings.mode not in _WRITTEN:
        raise UsageError(
            f"mode '{settings.mode}' cannot be exported, what it takes is more than a line of ffmpeg: "
            f"set mode to {' or '.join(_WRITTEN)}, or cut with clipkit cut --mode {settings.mode}"
        )
    return FORMS[form](settings)


def one_line(settings: Settings) -> str:
    """The shortest change in fluent-ffmpeg's terms: what is not as in the backend that the baselines
    describe (preset `ultrafast`, CRF 23, sound copied, ffmpeg's own choice of decoder threads)."""
    usual = Settings()
    after = [*_threads(settings.encoder_threads, always=True), *_frames_held(settings)]
    if settings.crf != usual.crf:
        after = ["-crf", str(settings.crf), *after]
    if settings.preset != usual.preset:
        after = ["-preset", settings.preset, *after]
    if settings.audio in {"aac", "none"}:
        after += _SOUND[settings.audio][0]
    before = _js_call("inputOptions", _threads(settings.decoder_threads))
    return f".{_js_seek(settings)}(start){before}{_js_call('outputOptions', after)}"


def _before_input(settings: Settings) -> Options:
    """An upload may not open what is no file (a playlist would). Filter threads are left out:
    without filters they change nothing."""
    return ["-protocol_whitelist", "file", *_threads(settings.decoder_threads)]


def _before_output(settings: Settings) -> Options:
    """Browsers play 8 bit 4:2:0, and start sooner where the index comes first."""
    pixels = ["-pix_fmt", "yuv420p"] if settings.hdr == "sdr" else []
    return [
        *("-c:v", "libx264", "-preset", settings.preset, "-crf", str(settings.crf)),
        *_threads(settings.encoder_threads),
        *_frames_held(settings),
        *pixels,
        *("-movflags", "+faststart", "-f", "mp4"),
    ]


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


# -- fluent-ffmpeg ---------------------------------------------------------------------------


def _fluent(settings: Settings) -> str:
    # Of itself, fluent-ffmpeg lets ffmpeg ask before it overwrites a name with `file:`, and wait.
    alone = ["-nostdin", "-y"]
    return _filled(
        "cut.js.in",
        settings,
        why_sound=f"// {_WHY_SOUND}\n" if settings.audio == "auto" else "",
        sound="".join(f"  {_js_list(options)},\n" for options in _SOUND[settings.audio]),
        seek=_js_seek(settings),
        why_seek=_WHY_SEEK[settings.seek],
        before_input=_js_list([*alone, *_before_input(settings)]),
        before_output=_js_list(_before_output(settings)),
    )


def _js_seek(settings: Settings) -> str:
    return "seekInput" if settings.seek == "input" else "seek"


def _js_call(method: str, options: Sequence[str]) -> str:
    """`.inputOptions('-threads 1')`; nothing where there are no options."""
    if not options:
        return ""
    words = _js_words(options)
    return f".{method}({words[0] if len(words) == 1 else _js_list(options)})"


def _js_list(options: Sequence[str]) -> str:
    return f"[{', '.join(_js_words(options))}]"


def _js_words(options: Sequence[str]) -> list[str]:
    """fluent-ffmpeg takes an option and its value as one word with a blank in between."""
    joined = " ".join(options)
    return [f"'{option.strip()}'" for option in re.split(r" (?=-[a-z])", joined)]


# -- shell, Python, Rust ---------------------------------------------------------------------


def _shell(settings: Settings) -> str:
    first, *others = [shlex.join(options) for options in _SOUND[settings.audio]]
    sound = f"  cut {first}"
    if others:
        sound = f"  # {_WHY_SOUND}\n{sound} 2>/dev/null || cut {others[0]}"
    seek = '-ss "$start" '
    before, after = (seek, "") if settings.seek == "input" else ("", seek)
    threads = "".join(f"{word} " for word in _before_input(settings))
    return _filled(
        "cut.sh.in",
        settings,
        before_input=f'{threads}{before}-i "file:$input" {after}-t "$duration"',
        before_output=shlex.join(_before_output(settings)),
        sound=sound,
    )


def _python(settings: Settings) -> str:
    seek = '"-ss", f"{start_s:.6f}", '
    return _filled(
        "cut.py.in",
        settings,
        before_input=json.dumps(_before_input(settings)),
        before_output=json.dumps(_before_output(settings)),
        why_sound=f"# {_WHY_SOUND}\n" if settings.audio == "auto" else "",
        sound="".join(f"    {json.dumps(options)},\n" for options in _SOUND[settings.audio]),
        seek_before=seek if settings.seek == "input" else "",
        seek_after=seek if settings.seek == "output" else "",
    )


def _rust(settings: Settings) -> str:
    seek = '            .args(["-ss", &start_s.to_string()])\n'
    return _filled(
        "cut.rs.in",
        settings,
        before_input=_rust_words(_before_input(settings)),
        before_output=_rust_words(_before_output(settings)),
        why_sound=f"// {_WHY_SOUND}\n" if settings.audio == "auto" else "",
        sound="".join(f"    &[{_rust_words(options)}],\n" for options in _SOUND[settings.audio]),
        seek_before=seek if settings.seek == "input" else "",
        seek_after=seek if settings.seek == "output" else "",
    )


def _rust_words(options: Sequence[str]) -> str:
    return json.dumps(options)[1:-1]


def _filled(name: str, settings: Settings, **places: str) -> str:
    text = resources.files("clipkit.tuning").joinpath("snippets", name).read_text("utf-8")
    filled: Mapping[str, str] = places | {"max_concurrent": str(settings.concurrency)}
    return _PLACEHOLDER.sub(lambda found: filled[found[1]], text)


FORMS: dict[str, Callable[[Settings], str]] = {
    "fluent-ffmpeg": _fluent,
    "shell": _shell,
    "python": _python,
    "rust": _rust,
}
