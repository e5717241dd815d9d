"""A task on its way: which attempt and step is at work, and what came of it. Stdlib only."""

from __future__ import annotations

import errno
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from clipkit.confinement import Confinement
from clipkit.engine.boxes import Mp4Error
from clipkit.engine.child import Child, Exit
from clipkit.engine.disk import NO_ROOM, NO_SPACE, is_full
from clipkit.engine.mp4 import VideoTrack, read_tracks
from clipkit.engine.placing import Placed, is_jpeg, place_with_poster
from clipkit.engine.reason import MOST_BYTES, emptied, log_end, reason, says
from clipkit.engine.rightness import why_wrong
from clipkit.engine.steps import patched, start_of
from clipkit.plan.task import POSTER, Attempt, Check, Patch, Run, Step, Task, filled

_TOLD_TO_END = 255
"""What ffmpeg ends with after a signal that it heeds."""
_HEEDED = b"received signal"
_REFUSED_MEMORY = r"Cannot allocate memory|malloc of size \d+ failed"
"""What ffmpeg and x264 say of it."""


class WrongOutputError(Exception):
    """ffmpeg ended well but the clip is not the one asked for."""


class ScratchError(Exception):
    """The folder of an attempt's scratch files cannot be made: the disk is full, most often."""


@dataclass(slots=True)
class Work:
    """One task in execution. The files it writes stay in `folder` until the clip is right.

    `failed_before`: why the attempt before this one did not do. `unconfined`: a process of it was held to
    nothing (`task.reads`), since nobody asked for that or the kernel cannot. `refused`: why no process is
    started for it just now. `others`: whom its process makes too (`Attempt.cut_with`). `started_s`: when its turn
    came, None while it waits for one; `spent_s`: what turns before that one took.
    """

    task: Task
    folder: Path
    logs: Path
    attempt: int = 0
    step: int = 0
    cpu_s: float = 0.0
    peak_rss_bytes: int = 0
    started_s: float | None = None
    spent_s: float = 0.0
    child: Child | None = None
    killed_for: str | None = None
    failed_before: str | None = None
    unconfined: bool = False
    begun: bool = False
    refused: str | None = None
    others: list[Work] = field(default_factory=list)

    @property
    def current(self) -> Attempt:
        return self.task.attempts[self.attempt]

    @property
    def wall_s(self) -> float:
        """Since the first process of it was started, but for the time that it waited for another turn."""
        turn_s = 0.0 if self.started_s is None else time.monotonic() - self.started_s
        return self.spent_s + turn_s if self.begun else 0.0

    @property
    def unfinished(self) -> Path:
        return self.folder / self.task.output

    @property
    def at(self) -> Step:
        return self.current.steps[self.step]

    @property
    def log(self) -> Path:
        """Of the process at work; what a check says does not replace what it looks into."""
        return self._log(of_check=isinstance(self.at, Check))

    def _log(self, of_check: bool) -> Path:
        return self.logs / f"{Path(self.task.output).stem}{'-check' if of_check else ''}.log"

    @property
    def scratch(self) -> Path:
        """The folder of the task's scratch files; made only for an attempt that has some."""
        return self.folder / f"{self.task.output}.scratch"

    @property
    def poster(self) -> Path:
        return Path(self._filled(POSTER, self.unfinished))

    @property
    def follows(self) -> bool:
        """Whether another step comes after this one."""
        return self.step + 1 < len(self.current.steps)

    @property
    def change(self) -> str | None:
        """As the attempt says it, with the reason why there had to be another."""
        said = self.current.change
        return f"{said}: {self.failed_before}" if said and self.failed_before else said

    @property
    def is_homeless(self) -> bool:
        return not self.folder.is_dir()

    def argv(self, output: Path, poster: Path | None = None) -> list[str]:
        """Of the process that makes the clip: of the one at work, or the last one before; where the engine makes it
        by itself, of the first that would."""
        begun = reversed(self.current.steps[: self.step + 1])
        others = (step for attempt in self.task.attempts for step in attempt.steps)
        words = next((step.argv for step in (*begun, *others) if isinstance(step, Run)), ())
        if poster:
            words = tuple(word.replace(POSTER, str(poster)) for word in words)
        return [self._filled(word, output) for word in words]

    def start_step(self) -> Child | None:
        """A step that is a process is started; a patch is done, and None returned, as it is for a check that
        need not be.

        Raises OSError where the program cannot be started, PatchError where the patch fails,
        ScratchError where the attempt's scratch files have no place.
        """
        if self.current.uses_scratch:
            self._make_scratch()
        step = self.at
        if self.step == 0:  # what an attempt's processes say is kept together
            emptied(self._log(of_check=False), self._log(of_check=True))
        if isinstance(step, Patch) and not step.apart:
            patched(step, self._filled_here)
        # Also where its log cannot be read: then it is looked at all the more.
        elif not isinstance(step, Check) or step.always or self._said(of_check=False) is not None:
            start = start_of(step, self._filled_here, self.log, self._confinement)
            self.child = Child(start, self.task.max_output_bytes)
            self.unconfined = self.unconfined or not self.child.confined
        self.begun = True
        return self.child

    @property
    def _confinement(self) -> Confinement | None:
        if self.task.reads is None:
            return None
        return Confinement(self.task.reads, (str(self.folder), str(self.logs)))

    def _make_scratch(self) -> None:
        try:
            self.scratch.mkdir(exist_ok=True)
        except OSError as error:
            full = error.errno in NO_ROOM
            why = NO_SPACE if full else f"its scratch folder cannot be made: {error.strerror}"
            raise ScratchError(why) from None

    def _filled_here(self, word: str) -> str:
        return self._filled(word, self.unfinished)

    def _filled(self, word: str, output: Path) -> str:
        return filled(word, str(output), str(self.scratch)) if "\0" in word else word

    def tidy(self) -> None:
        """Remove whatever the attempts have left, but for a clip that is in its place."""
        self.unfinished.unlink(missing_ok=True)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def account(self, ended: Exit) -> None:
        """Of a process that made several clips, each has its part of the CPU by the frames encoded for it."""
        self.child = None
        all_of_them = [self, *self.others]
        frames = sum(each.current.encoded_frames or 0 for each in all_of_them)
        for each in all_of_them:
            part = (each.current.encoded_frames or 0) / frames if self.others else 1
            each.cpu_s += ended.cpu_s * part
            each.peak_rss_bytes = max(each.peak_rss_bytes, ended.peak_rss_bytes)

    def parted(self) -> list[Work]:
        """With those that its process was to make too, each for itself from now on."""
        others, self.others = self.others, []
        for each in others:
            each.started_s, each.spent_s = self.started_s, self.spent_s
            each.begun, each.unconfined = self.begun, self.unconfined
        return [self, *others]

    @property
    def may_need_less(self) -> bool:
        """Whether it has another way, for which there may be memory enough."""
        return bool(self.others) or self.attempt_after(ran_out=True) is not None

    def why_apart(self, ended: Exit) -> str | None:
        """Why the clips of its process are each to be made alone; None: they need not be, or it made one."""
        if not self.others:
            return None
        if ended.code != 0:
            return self.explain(ended)
        # Nobody could tell which of them that concerns. A warning is no reason that is said, but may be damage.
        return self._said(of_check=False) or self._why_damaged()

    def check(self) -> VideoTrack | None:
        """The clip's video track, if it is the clip asked for.

        A baseline's output is not judged, only read: None where it is no readable MP4.
        Raises WrongOutputError.
        """
        try:
            video, sound = read_tracks(self.unfinished)
        except (Mp4Error, OSError) as error:
            if not self.task.judged and self.unfinished.exists():
                if self.unfinished.stat().st_size:
                    return None
                raise WrongOutputError("it wrote an empty file") from None
            why = self._why_damaged() or f"it wrote no readable clip: {error}"
            raise WrongOutputError(why) from None
        wrong = self._why_damaged() or (
            why_wrong(self.task.of(self.current), video, sound) if self.task.judged else None
        )
        if wrong:
            raise WrongOutputError(wrong)
        if self.task.poster and not is_jpeg(self.poster):
            raise WrongOutputError("it made no poster")
        return video

    def place(self, out_dir: Path) -> Placed:
        """Put the finished clip where it belongs, and its poster beside it. Raises OSError."""
        name = self.task.poster
        poster = (self.poster, out_dir / name) if name else None
        return place_with_poster(self.unfinished, out_dir / self.task.output, poster)

    def attempt_after(self, ran_out: bool) -> int | None:
        """Which is to be tried next: where memory ran out one that needs less of it, else one that needs as
        much; None: there is none."""
        rung = self.current.rung
        for number, attempt in enumerate(self.task.attempts[self.attempt + 1 :], self.attempt + 1):
            if attempt.rung > rung if ran_out else attempt.rung == rung:
                return number
        return None

    def ran_out(self, ended: Exit) -> bool:
        """Whether it ended for want of memory, as far as can be told from here: killed, or by its own words."""
        return ended.is_kill or (ended.code != 0 and says(self.log, _REFUSED_MEMORY))

    def was_stopped(self, ended: Exit) -> bool:
        """Whether somebody ended it. Told to end, ffmpeg does so by itself, with 255, and says so, or
        nothing where it says errors alone."""
        if ended.code == _TOLD_TO_END:
            return self._said() is None or _HEEDED in log_end(self.log)
        return ended.is_from_outside

    def explain(self, ended: Exit) -> str:
        """Why ffmpeg failed, in one line: first what it says itself."""
        if ended.signal == signal.SIGXFSZ:
            return f"it wrote more than {self.task.max_output_bytes} bytes"
        if is_full(self.folder):  # then ffmpeg's own words found no space either
            return NO_SPACE
        how = f"signal {ended.signal}" if ended.signal else f"exit code {ended.code}"
        said = self._said()
        who = "the engine's copy" if isinstance(self.at, Patch) else "ffmpeg"
        why = f"{said} ({who} ended with {how})" if said else f"{who} ended with {how}"
        return f"{self.at.wrong}: {why}" if isinstance(self.at, Check) else why

    def why_wrong(self, error: WrongOutputError) -> str:
        """Some builds end well though they could not write all of it."""
        return NO_SPACE if is_full(self.folder) else str(error)

    def why_not_started(self, error: OSError) -> str:
        """Its log is opened with it: where there is no space, that failed, and the program is there."""
        if error.errno in NO_ROOM:
            return NO_SPACE
        [program, *_] = self.argv(self.unfinished) or [self.task.output]
        what = "a copy of the engine" if isinstance(self.at, Patch) else program
        return f"{what} cannot be started: {error.strerror}"

    def _why_damaged(self) -> str | None:
        """In words, if an ffmpeg that has ended well says that the clip is not right."""
        damage = self.task.of(self.current).damage
        if damage is None or not says(self._log(of_check=False), damage):
            return None
        said = self._said(of_check=False)
        return "the upload is damaged in this clip or near it" + (f": {said}" if said else "")

    def _said(self, of_check: bool | None = None) -> str | None:
        """By default of the process at work."""
        path = self.log if of_check is None else self._log(of_check)
        try:
            with path.open("rb") as log:
                return reason(log.read(MOST_BYTES))
        except OSError as error:
            return errno.errorcode.get(error.errno or 0)
