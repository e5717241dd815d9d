"""What a tuning takes from the user's own command: its picture, who cuts with the candidates, what to
try. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clipkit.errors import TemplateError, UsageError
from clipkit.media.upload import Upload
from clipkit.plan.baselines import Template
from clipkit.plan.changed import Changed
from clipkit.plan.clips import Job
from clipkit.plan.command_words import CommandWords, read_words
from clipkit.plan.framing_words import enlarges
from clipkit.plan.subject import Cuts, Subject
from clipkit.plan.subjects import CommandLine, Engine
from clipkit.settings import PICTURE, Settings
from clipkit.tuning.other_modes import OtherMode, other_modes

_PICTURE_STATED = tuple(name for name in PICTURE if name != "mode")


def cutter_of(command: Template | None) -> Cuts:
    """Who cuts with the candidates: the user's own words with their settings put in, so that what is
    recommended is what was measured; our engine where there is no command, or its words cannot be read
    or do not encode."""
    return Changed(command) if command is not None and _can_be_changed(command) else Engine()


def refuse_unknown_length(command: Template) -> None:
    """Raises TemplateError for one that leaves out how long a clip is: a tuning cuts shorter clips than were asked for
    first, and takes what they tell for whole ones."""
    if not any(told in word for word in command.argv for told in ("{duration}", "{end}")):
        raise TemplateError(
            "--command tells no length, and shorter clips are tried first: write -t {duration}, or {end}, "
            "instead of seconds"
        )


def same_picture_as(command: Template | None, fixed: Settings) -> Settings:
    """`fixed` with what decides the picture and the sound as the command has it, ffmpeg's own choice where
    it does not say; its seek where that cannot be moved."""
    if command is None or not _can_be_changed(command):
        return fixed
    words = read_words(command.argv)
    theirs = words.asked()
    picture = {name: getattr(theirs, name) for name in _PICTURE_STATED if name != "audio"}
    seek = theirs.seek if seek_that_stays(command) else "input"
    # An MP4's sound is AAC where nothing else is asked for.
    return replace(fixed, **picture, audio=words.settings.audio or "aac", seek=seek)


def own_settings(command: Template, fixed: Settings) -> Settings:
    """How the command cuts as it is: one clip at a time."""
    theirs = read_words(command.argv).asked()
    threads = ("encoder_threads", "decoder_threads", "filter_threads")
    known = {name: getattr(theirs, name) for name in threads}
    return replace(fixed, **known, seek=theirs.seek, concurrency=1)


def for_the_command(
    command: Template, fixed: Settings, candidates: tuple[Settings, ...]
) -> tuple[Settings, ...]:
    """The candidates as its words can be changed to them, each command once, and the words as they are but
    for the seek. Where the seek cannot be moved it stays."""
    changed, own = Changed(command), own_settings(command, fixed)
    offered = [*candidates, own]
    found: dict[tuple[tuple[str, ...], int], Settings] = {}
    for settings in offered:
        asked = replace(settings, seek=fixed.seek, filter_threads=own.filter_threads)
        found.setdefault((changed.rewritten(asked).argv, asked.concurrency), asked)
    return tuple(found.values())


def makes_another_picture(subject: Subject, uploads: Sequence[Upload]) -> bool:
    """Whether a command has options that clipkit's engine does not know, or enlarges what it scales."""
    if not isinstance(subject, CommandLine):
        return False
    words = read_words(subject.template.argv)
    crop, height = words.settings.crop, words.settings.scale_height
    larger = any(enlarges(words.filters or "", upload.framing(crop, height)) for upload in uploads)
    return bool(words.picture_options) or larger


def modes_beside(
    command: Template | None, jobs: Sequence[Job], fixed: Settings
) -> tuple[OtherMode, ...]:
    """The modes that make what the command makes: none where it crops, scales, encodes by another encoder, or
    has its pictures otherwise than our engine could. `fixed`: with its picture (`same_picture_as`)."""
    uploads = [job.upload for job in jobs]
    if command is not None and makes_another_picture(CommandLine(command), uploads):
        return ()
    return other_modes(jobs, fixed)


def refuse_contradictions(command: Template | None, stated: dict[str, object]) -> None:
    """Raises UsageError where options decide the picture beside a command that does so itself."""
    odd = [name for name in stated if name in PICTURE]
    if command is not None and odd and _can_be_changed(command):
        flag = "--" + odd[0].replace("_", "-")
        raise UsageError(
            f"{flag} beside --command: the command decides the picture, and with --quality same all "
            f"that is compared has the same. Write it into the command; --quality free tries others too"
        )


def seek_that_stays(command: Template) -> str | None:
    """Why the seek of its words cannot be moved; None where it can."""
    try:
        Changed(command).rewritten(replace(own_settings(command, Settings()), seek="input"))
    except TemplateError as error:
        return str(error)
    return None


def _can_be_changed(command: Template) -> bool:
    words: CommandWords = read_words(command.argv)
    mode: str | None = words.settings.mode
    return mode == "encode"
