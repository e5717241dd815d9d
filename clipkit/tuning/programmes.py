"""A command in a programme of each language: `snippets/` with what varies filled in. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import resources

from clipkit.errors import UsageError
from clipkit.media.formats import GUARD
from clipkit.plan.ffmpeg_words import take_apart

_PLACE = re.compile(r"@(\w+)@")
_PLACEHOLDER = re.compile(r"(\{\w+\})")
_SHELL = {
    "{input}": '"$input"',
    "{start}": '"$start"',
    "{duration}": '"$duration"',
    "{end}": '"$end"',
    "{output}": '"$part"',
    "{ffmpeg}": "ffmpeg",
}
_WIDTH = 100
_Quote = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Programme:
    """What a snippet does: `commands` are tried in this order, `at_once` of them run at the same time;
    `head` says where it comes from, `why_several` why there is more than one command."""

    head: tuple[str, ...]
    commands: tuple[tuple[str, ...], ...]
    at_once: int
    why_several: str = ""

    def headed(self, lines: Iterable[str]) -> Programme:
        return replace(self, head=(*self.head, *lines))

    @property
    def prober(self) -> str:
        """The ffmpeg to ask how long a film is: the command's own, where it is one."""
        words = take_apart(self.commands[0])
        named = "ffmpeg" if words is None else self.commands[0][words.program]
        return "ffmpeg" if _PLACEHOLDER.fullmatch(named) else named


def _shell(programme: Programme) -> str:
    lines = [f"  {_in_shell(command)} </dev/null" for command in programme.commands]
    tried = [*(f"{line} 2>/dev/null ||" for line in lines[:-1]), lines[-1]]
    why = [f"  # {programme.why_several}"] if programme.why_several else []
    # The lines stand between single quotes there.
    text = "\n".join([*why, *tried]).replace("'", "'\\''")
    return _filled("cut.sh.in", programme, "#", shlex.quote, commands=text, guard=shlex.join(GUARD))


def _in_shell(command: Sequence[str]) -> str:
    return " ".join(
        "".join(_SHELL.get(part) or shlex.quote(part) for part in _PLACEHOLDER.split(word) if part)
        or "''"
        for word in command
    )


def _node(programme: Programme) -> str:
    text = _lists(programme.commands, _in_js, "[]", "  ")
    length = _length_in_js(programme, _in_js)
    return _filled("cut.node.js.in", programme, "//", _in_js, commands=text, length=length)


def _fluent(programme: Programme) -> str:
    text = "".join(_fluent_command(command) for command in programme.commands)
    # Whoever uses it says by FFMPEG_PATH where ffmpeg is.
    length = _length_in_js(programme, lambda _: "process.env.FFMPEG_PATH || 'ffmpeg'")
    return _filled("cut.fluent.js.in", programme, "//", _in_js, commands=text, length=length)


def _length_in_js(programme: Programme, prober: _Quote) -> str:
    guard = ", ".join(map(_in_js, GUARD))
    return _filled("length.js.in", programme, "//", prober, guard=guard).rstrip()


def _fluent_command(command: Sequence[str]) -> str:
    """Raises UsageError for one that fluent-ffmpeg cannot be told."""
    words = take_apart(command)
    simple = words is not None and words.program == 0 and command[0] in ("ffmpeg", "{ffmpeg}")
    if words is None or not simple or len(words.inputs) != 1 or len(words.outputs) != 1:
        raise UsageError(
            "fluent-ffmpeg cannot be told this command: it starts plain ffmpeg, with one input and "
            "one output; take --as node"
        )
    film, clip = words.inputs[0], words.outputs[0]
    behind = [word for word in command[clip.at + 1 :] if word != "-y"]
    if behind or "--" in command:
        raise UsageError(
            f"fluent-ffmpeg cannot be told words behind the output ({shlex.join(behind) or '--'}): "
            "take --as node"
        )
    # Of itself it lets ffmpeg ask before it overwrites, and wait.
    alone = [word for word in ("-nostdin", "-y") if word not in command[1 : film.at]]
    before = _list([*alone, *command[1 : film.at]], _in_js, "[]", "    ", "beforeInput: ")
    after = _list(command[film.at + 2 : clip.at], _in_js, "[]", "    ", "beforeOutput: ")
    return f"  {{\n{before}    input: {_in_js(film.name)},\n{after}    output: {_in_js(clip.name)},\n  }},\n"


def _python(programme: Programme) -> str:
    text = _lists(programme.commands, _in_json, "[]", "    ")
    return _filled("cut.py.in", programme, "#", _in_json, commands=text, guard=_guard_in_json())


def _rust(programme: Programme) -> str:
    text = _lists(programme.commands, _in_rust, ("&[", "]"), "    ")
    return _filled("cut.rs.in", programme, "//", _in_rust, commands=text, guard=_guard_in_json())


def _guard_in_json() -> str:
    return ", ".join(map(_in_json, GUARD))


def _lists(
    commands: Iterable[Sequence[str]], quote: _Quote, marks: Sequence[str], indent: str
) -> str:
    return "".join(_list(command, quote, marks, indent) for command in commands)


def _list(
    words: Sequence[str], quote: _Quote, marks: Sequence[str], indent: str, name: str = ""
) -> str:
    """On one line, or folded where that is too long."""
    quoted = [quote(word) for word in words]
    line = f"{indent}{name}{marks[0]}{', '.join(quoted)}{marks[1]},\n"
    if len(line) <= _WIDTH:
        return line
    inner = f"{indent}{'  ' if len(indent) == 2 or name else '    '}"
    lines = [inner]
    for word in quoted:
        if len(lines[-1]) + len(word) + 2 > _WIDTH:
            lines.append(inner)
        lines[-1] += f"{word}, "
    folded = "".join(f"{each.rstrip()}\n" for each in lines)
    return f"{indent}{name}{marks[0]}\n{folded}{indent}{marks[1]},\n"


def _in_json(word: str) -> str:
    """Python reads its strings too."""
    return json.dumps(word, ensure_ascii=False)


def _in_js(word: str) -> str:
    text = _in_json(word)
    return text if "'" in word or '"' in word else f"'{text[1:-1]}'"


def _in_rust(word: str) -> str:
    def escaped(found: re.Match[str]) -> str:
        code = found[1] or {"b": "8", "f": "c"}.get(found[2])
        return f"\\u{{{code}}}" if code else found[0]

    return re.sub(r"\\(?:u([0-9a-f]{4})|(.))", escaped, _in_json(word))


def _filled(name: str, programme: Programme, comment: str, quote: _Quote, **places: str) -> str:
    text = resources.files("clipkit.tuning").joinpath("snippets", name).read_text("utf-8")
    why = programme.why_several
    filled = places | {
        "head": "\n".join(f"{comment} {line}" for line in programme.head),
        "max_concurrent": str(programme.at_once),
        "why_several": f"{comment} {why}\n" if why else "",
        "prober": quote(programme.prober),
    }
    return _PLACE.sub(lambda found: filled[found[1]], text)


FORMS: dict[str, Callable[[Programme], str]] = {
    "shell": _shell,
    "node": _node,
    "fluent-ffmpeg": _fluent,
    "python": _python,
    "rust": _rust,
}
