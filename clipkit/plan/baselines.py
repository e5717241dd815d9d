"""What clipkit is compared with: the original's two command lines, moviepy, and the user's own.

What they write is recorded, not judged by our rule of exact frames.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clipkit import format as fmt
from clipkit.errors import TemplateError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.media.upload import Upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.framing_words import framing_chain
from clipkit.plan.guarded_words import guarded_argv
from clipkit.plan.task import OUTPUT, Attempt, Run, Task
from clipkit.settings import Settings

_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_KNOWN = ("input", "start", "duration", "end", "output", "ffmpeg")
_NEEDED = ("input", "output")


@dataclass(frozen=True, slots=True)
class Template:
    """A command line as an argv with placeholders, and what it is called in records.

    `{input}` and `{output}` are files, `{start}`, `{duration}` and `{end}` seconds, `{ffmpeg}` the
    build of the settings. Where the program is plain `ffmpeg`, that build runs, so that all
    subjects use the same. `theirs`: the user's own, never touched. Of ours, `python` is the one
    that runs clipkit; and the original's are told to open nothing but the upload, and which film to
    cut where it has several, since ffmpeg by itself would take the largest and clipkit the first.
    """

    name: str
    argv: tuple[str, ...]
    theirs: bool = False

    @property
    def text(self) -> str:
        """As a shell takes it, and `parse_template`; a placeholder by itself needs no quotes."""
        return " ".join(map(_quoted, self.argv))


def _quoted(word: str) -> str:
    bare = _PLACEHOLDER.sub("", word)
    return word if bare != word and shlex.quote(bare) in (bare, "''") else shlex.quote(word)


def original_templates(settings: Settings) -> tuple[Template, Template]:
    """`sketch` and `fluent`, the two readings of the original backend (one clip at a time).

    `sketch` seeks after the input, as the code in the analysis is written; `fluent` before it, as
    fluent-ffmpeg's `setStartTime` does, with the encoder's threads of `settings`: by default the
    `-threads 1` that the analysis says it uses. Both take preset, CRF, crop and height from `settings`
    so that all subjects make alike clips.
    """
    chain = framing_chain(settings)
    picture = ["-vf", chain] if chain else []
    quality = [*picture, "-c:v", "libx264", "-preset", settings.preset, *_crf(settings)]
    threads = ["-threads", str(settings.encoder_threads)] if settings.encoder_threads else []
    place = ["-ss", "{start}", "-t", "{duration}"]
    audio = ["-c:a", "copy", "{output}"]
    sketch = ["ffmpeg", "-i", "{input}", *place, *quality, *audio]
    seek, length = place[:2], place[2:]
    fluent = ["ffmpeg", *seek, "-i", "{input}", "-y", *length, *quality, *threads, *audio]
    return Template("sketch", tuple(sketch)), Template("fluent", tuple(fluent))


def moviepy_template(settings: Settings) -> Template:
    """`moviepy` as its manual has it, one Python process a clip: `clipkit.plan.moviepy_clip`."""
    # -P: modules come from where they are installed, not from where the process happens to be.
    script = ["python", "-P", "-m", "clipkit.plan.moviepy_clip"]
    cut = ["{ffmpeg}", "{input}", "{start}", "{end}", "{output}"]
    quality = ["-preset", settings.preset, *_crf(settings)]
    threads = ["-threads", str(settings.encoder_threads)] if settings.encoder_threads else []
    picture = [] if settings.crop is None else ["-crop", settings.crop]
    if settings.scale_height is not None:
        picture += ["-height", str(settings.scale_height)]
    return Template("moviepy", (*script, *cut, *quality, *threads, *picture))


def _crf(settings: Settings) -> list[str]:
    return ["-crf", str(settings.crf)] if settings.crf != Settings().crf else []


def chosen(
    settings: Settings, command: Template | None, names: Sequence[str] | None
) -> tuple[Template, ...]:
    """The user's own command, if any, and both of the original's; or of these those in `names`.

    Raises TemplateError where the user's own is named but not given.
    """
    known = (*([command] if command else []), *original_templates(settings))
    if names and "command" in names and command is None:
        raise TemplateError("--baseline command needs the command: give --command TEMPLATE")
    return tuple(template for template in known if not names or template.name in names)


def parse_template(text: str, where: str = "--command") -> Template:
    """The user's own command, split as a shell would and never given to one; `where` it was given
    opens the errors.

    Raises TemplateError for an unknown placeholder, a missing one, or unbalanced quotes.
    """
    if not fmt.is_text(text):
        raise TemplateError(f"{where} holds bytes that are no UTF-8: rename the file that it names")
    try:
        argv = shlex.split(text)
    except ValueError as error:
        raise TemplateError(f"{where} cannot be split into words: {error}") from None
    found = {name for word in argv for name in _PLACEHOLDER.findall(word)}
    for name in sorted(found - set(_KNOWN)):
        known = ", ".join(f"{{{known}}}" for known in _KNOWN)
        raise TemplateError(f"{where} has the unknown placeholder {{{name}}}: known are {known}")
    for name in _NEEDED:
        if name not in found:
            raise TemplateError(
                f"{where} lacks {{{name}}}: "
                "write it like 'ffmpeg -ss {start} -t {duration} -i {input} … {output}'"
            )
    if _PLACEHOLDER.search(argv[0]):
        raise TemplateError(f"{where} must start with a program, not a placeholder")
    return Template("command", tuple(argv), theirs=True)


def template_tasks(job: Job, template: Template, build: FfmpegBuild) -> list[Task]:
    """One task a clip. Nothing is known of what a right output holds: it is not judged."""
    upload, argv, program = job.upload, template.argv, _program(template, build)
    ours = argv[0] == "ffmpeg" and not template.theirs
    if ours:  # an upload may be made to have another file opened
        argv = guarded_argv(argv)
    if ours and (upload.films > 1 or upload.sound_track):  # not the first of each
        argv = (*argv[:-1], *_streams(upload), argv[-1])
    return [
        Task(
            number=number,
            output=f"clip-{number:03d}.mp4",
            attempts=(Attempt((Run((program, *_filled(argv[1:], job, clip, build))),)),),
            frames_stored=None,
            frames_shown=None,
            predicted_bytes=None,
            max_output_bytes=max(upload.size_bytes * 4, 1024 * MIB),
        )
        for number, clip in enumerate(job.clips, start=1)
    ]


def _streams(upload: Upload) -> Iterator[str]:
    """Those that clipkit cuts."""
    yield from ("-map", f"0:{upload.video_stream}")
    if upload.sound_track is not None:
        yield from ("-map", f"0:a:{upload.sound_track}")


def _program(template: Template, build: FfmpegBuild) -> str:
    """Filled in here and not in the template: a template is the same on every machine."""
    if template.argv[0] == "ffmpeg":
        return build.path
    ours = template.argv[0] == "python" and not template.theirs
    return sys.executable if ours else template.argv[0]


def _filled(words: Sequence[str], job: Job, clip: Clip, build: FfmpegBuild) -> Iterator[str]:
    values = {
        "input": str(job.upload.path),
        "start": f"{clip.start_s:.6f}",
        "duration": f"{clip.duration_s:.6f}",
        "end": f"{clip.end_s:.6f}",
        "output": OUTPUT,
        "ffmpeg": build.path,
    }
    return (_PLACEHOLDER.sub(lambda found: values[found[1]], word) for word in words)
