"""An upload's facts, found by a process that may not take more than its ceiling, and whether the ffmpeg
that is to cut it takes it for the same."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clipkit import ffmpeg_builds
from clipkit import format as fmt
from clipkit.ceiling.standing import limits_here
from clipkit.errors import UploadError
from clipkit.format import MIB
from clipkit.media.formats import GUARD, demuxer, local
from clipkit.media.outline import Outline, difference, outline_told, why_not_opened
from clipkit.trial.bounded import MEMORY, TIME, Bounds, Ended, Order, bounded

if (
    TYPE_CHECKING
):  # the process that describes is started first, and what reads its facts loaded beside it
    from clipkit.media.upload import Upload
    from clipkit.plan.baselines import Template

_MEMORY_BYTES = 256 * MIB
# Python with the demuxers is a third of it before it has seen a file.
_LEAST_BYTES = 128 * MIB
_TIME_S = 15.0
# A busy machine takes a second to start a process at all.
_LEAST_S = 2.0
# All of a film is read once, also from a slow disk.
_READ_BYTES_PER_S = 50 * MIB
# A film's every frame takes 16 to 40: 10 hours at 60 a second are 35 to 86 MB.
_MOST_FACTS_BYTES = 96 * MIB
_INSTEAD = "convert it, or upload another file"


@dataclass(frozen=True, slots=True)
class Describing:
    """For whom an upload is described: `programs` are the ffmpegs that are to cut it, by their paths, `ffmpeg`
    is the choice among them; `memory_bytes` and `timeout_s` are what they may take (None: no limit). Who only cuts
    wants no `hashed` upload: a record names it by its hash, a manifest by its path."""

    programs: tuple[str, ...]
    memory_bytes: int | None = None
    timeout_s: float | None = None
    ffmpeg: str = "bundled"
    hashed: bool = True

    def bounds(self, size_bytes: int) -> Bounds:
        """For a file of that size; less than usual where the host or the time for all of the job is."""
        here_bytes = limits_here().memory_bytes
        limits_bytes = [each for each in (self.memory_bytes, here_bytes) if each is not None]
        memory_bytes = max(_LEAST_BYTES, min([_MEMORY_BYTES, *limits_bytes]))
        time_s = _TIME_S + size_bytes / _READ_BYTES_PER_S
        asked_s = time_s if self.timeout_s is None else max(_LEAST_S, self.timeout_s)
        return Bounds(memory_bytes, min(time_s, asked_s))


def describe_upload(path: Path, asked: Describing) -> Upload:
    """As `described_beside`, waiting at once."""
    with described_beside(path, asked) as described:
        return described()


@contextlib.contextmanager
def described_beside(path: Path, asked: Describing) -> Iterator[Callable[[], Upload]]:
    """The facts about the upload at `path`, on which every ffmpeg that is to cut it agrees; found while the
    block does something else, until it asks for them.

    Raises UploadError, in one line: no readable regular file, no video, damaged, more than may be taken
    to describe it, or another file to an ffmpeg than to clipkit's own demuxers.
    """
    size_bytes = _size_bytes(path)
    bounds = asked.bounds(size_bytes)
    orders = [Order([*_describing_argv(asked.hashed), os.fspath(path)], _MOST_FACTS_BYTES)]
    # What is wrong with a file that is none, the first one tells; an ffmpeg might wait for it.
    programs = asked.programs if size_bytes else ()
    orders += [Order(_asking(program, path.absolute()), 0) for program in programs]
    with contextlib.ExitStack() as stack:
        try:
            ends = stack.enter_context(bounded(orders, bounds))
        except (OSError, ValueError) as error:  # a NUL, or a name longer than an argv
            raise UploadError(f"cannot open {path}: {_reason(error)}") from None

        def described() -> Upload:
            told, *asks = ends()
            upload = _read(path, told, bounds)
            for program, ended in zip(programs, asks, strict=True):
                _compare(upload, program, ended, bounds)
            return upload

        yield described


def _describing_argv(hashed: bool) -> Sequence[str]:
    """With our packages, but without asking where they are: looking for that takes longer than a short film."""
    code = (
        f"import gc, sys; gc.disable(); sys.path[:] = {sys.path!r}; "
        f"from clipkit.media.describe import main; main({hashed})"
    )
    return [sys.executable, "-I", "-S", "-X", f"utf8={sys.flags.utf8_mode}", "-c", code]


def cutting_programs(choices: Iterable[str], command: Template | None = None) -> tuple[str, ...]:
    """The ffmpegs of these choices, and the one that a command of the user's starts by its own words.

    Of a programme that is not ffmpeg nothing is known. Raises FfmpegError for one that is missing.
    """
    from clipkit.plan.ffmpeg_words import take_apart  # noqa: PLC0415 (see above)

    paths = [ffmpeg_builds.locate(choice) for choice in choices]
    words = None if command is None else take_apart(command.argv)
    if command is not None and words is not None:
        named = command.argv[words.program]
        is_the_build = named == "{ffmpeg}" or (named == "ffmpeg" and words.program == 0)
        own = None if is_the_build else shutil.which(named)
        paths += [own] if own else []
    return tuple(dict.fromkeys(paths))


def _size_bytes(path: Path) -> int:
    """0 for what is no regular file."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def _asking(program: str, path: Path) -> Sequence[str]:
    """What an ffmpeg takes a file for when it is left to guess: it may not open another one for that."""
    return [program, "-nostdin", "-hide_banner", "-threads", "1", *GUARD, "-i", local(path)]


def _read(path: Path, told: Ended, bounds: Bounds) -> Upload:
    from clipkit.media.crossing import EXHAUSTED, FACTS, REFUSED, unpacked  # noqa: PLC0415 (see above)

    letter, content = told.answer[:1], told.answer[1:]
    if told.too_much == MEMORY or letter == EXHAUSTED:
        raise UploadError(_too_much(path, fmt.size(bounds.memory_bytes)))
    if told.too_much == TIME or told.signal == signal.SIGXCPU:
        raise UploadError(_too_much(path, _whole_seconds(bounds)))
    if told.too_much:
        raise UploadError(_too_much(path, f"{fmt.size(_MOST_FACTS_BYTES)} of facts"))
    if told.code == 0 and letter == REFUSED:
        raise UploadError(content.decode("utf-8", "surrogateescape"))
    try:
        if told.code == 0 and letter == FACTS:
            upload = unpacked(content)
            demuxer(upload.container)  # an ffmpeg is told it: it may be no other
            return upload
    except (ValueError, TypeError) as error:
        why = f"its facts cannot be read: {error}"
    else:
        why = _how_it_died(told)
    raise UploadError(f"{path} cannot be described: {why}; {_INSTEAD}")


def _too_much(path: Path, what: str) -> str:
    return f"{path}: describing this file takes more than {what}; {_INSTEAD}"


def _whole_seconds(bounds: Bounds) -> str:
    return fmt.seconds(int(bounds.time_s) or bounds.time_s)


def _how_it_died(told: Ended) -> str:
    if told.signal is not None:
        name = signal.Signals(told.signal).name
        return f"the process that read it was ended by {name}"
    said = told.said.decode("utf-8", "backslashreplace").strip().splitlines()
    return f"the process that read it ended with {told.code}: {said[-1] if said else 'no word'}"


def _compare(upload: Upload, program: str, ended: Ended, bounds: Bounds) -> None:
    """Raises UploadError, which names both, and FfmpegError for a program that does not run."""
    if ended.too_much:
        what = {MEMORY: fmt.size(bounds.memory_bytes), TIME: _whole_seconds(bounds)}
        told = what.get(ended.too_much, "a megabyte of words")
        raise UploadError(f"{upload.path}: {program} takes more than {told} to open it; {_INSTEAD}")
    said = ended.said.decode("utf-8", "replace")
    theirs = outline_told(said)
    if theirs is None:
        ffmpeg_builds.version_told(program)  # one that does not run says nothing of the upload
        raise UploadError(
            f"{upload.path} is {upload.container} to clipkit, and {program} does not open it as an upload "
            f"({why_not_opened(said)}): {_INSTEAD}, or cut with another --ffmpeg"
        )
    ours = Outline(upload.container, upload.streams)
    if differing := difference(ours, theirs):
        mine, other = differing
        raise UploadError(
            f"{upload.path} is one file to clipkit ({mine}) and another to {program} ({other}): "
            f"{_INSTEAD}, or cut with another --ffmpeg"
        )


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
