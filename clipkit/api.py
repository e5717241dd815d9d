"""The Python API: parse, call one station, return a frozen object. It decides nothing.

from clipkit import probe, cut, sweep, load, compare, recommend, attach
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Unpack, overload

import tomli_w

from clipkit import arguments, ffmpeg_builds, hosts
from clipkit import settings as settings_station
from clipkit.analysis import compare as comparing
from clipkit.analysis.compare import Comparison
from clipkit.campaign import background as running
from clipkit.campaign import experiment as experiments
from clipkit.campaign import own_process
from clipkit.campaign.estimate import Estimate
from clipkit.campaign.experiment import Experiment
from clipkit.ceiling.base import Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.ceiling.stale import remove_stale
from clipkit.errors import Cancelled, ClipkitError, ExperimentError, UsageError
from clipkit.hosts import Host
from clipkit.media import sample
from clipkit.media.upload import Upload
from clipkit.output import cut_failure
from clipkit.plan.clips import Clip, Job, spread
from clipkit.records.store import named
from clipkit.report.exhibits import loaded
from clipkit.report.exhibits.cutting import Cutting
from clipkit.report.exhibits.loaded import Campaign, SingledOut
from clipkit.report.notebooks.handle import Handle
from clipkit.settings import Settings
from clipkit.terminal import CutProgress
from clipkit.trial.cut import Order
from clipkit.trial.cut import cut as cut_order
from clipkit.trial.run import limits
from clipkit.tuning.optimum import Optimum
from clipkit.tuning.recommendation import Recommendation

PathLike = str | Path
_ASKED = Path("the experiment")
"""What errors call an experiment that is no file."""


def probe(video: PathLike) -> Upload:
    """The facts about an upload; `sample` is the sample film.

    >>> upload = probe("my.mp4")
    >>> upload.width, upload.height, upload.fps
    (160, 90, 25.0)

    Raises UploadError.
    """
    return arguments.upload(str(video))


def cut(  # noqa: PLR0913 (the command's options, by keyword)
    video: PathLike,
    out: PathLike,
    *,
    clips: Sequence[tuple[float, float]] | None = None,
    count: int | None = None,
    length_s: float | None = None,
    seed: int | None = None,
    settings: Settings | Mapping[str, Any] | PathLike | None = None,
    host: Host | str | None = None,
    memory: str | None = None,
    cpus: float | None = None,
    reserve: str = "0",
    ceiling: str | None = None,
    timeout_s: float = 3600,
) -> Cutting:
    """Cut clips out of an upload, into the folder `out`.

    Which clips: either `clips`, pairs of start and duration in seconds, or `count` clips of
    `length_s`, spread evenly or from `seed`.

    >>> cutting = cut("my.mp4", "clips", clips=[(0.5, 1.0), (2.0, 1.5)])
    >>> [file.name for file in cutting.files]
    ['clip-001.mp4', 'clip-002.mp4']

    `settings` are a mapping, `Settings`, or the path of a `clipkit.toml`; without `host`, or
    `memory` and `cpus`, nothing is limited. `ceiling` forces one mechanism (see `clipkit doctor`).

    >>> cut("my.mp4", "more", count=3, length_s=1, settings={"concurrency": 2}).status
    'ok'

    Returns also where only some clips are right: `status` tells. Raises ClipkitError where none
    is, Cancelled after an interrupt, UsageError and its kinds for what cannot be asked.
    """
    chosen = _settings(settings)
    job = _job(arguments.upload(str(video)), clips, count, length_s, seed)
    held = _host(host, memory, cpus)
    order = Order(
        job=job,
        settings=chosen,
        build=ffmpeg_builds.find(chosen.ffmpeg),
        host=held,
        reserve_bytes=hosts.parse_size(reserve),
        out_dir=Path(out).absolute(),
        timeout_s=timeout_s,
    )
    progress = CutProgress(len(job.clips), arguments.frames(job))
    remove_stale()
    with open_ceiling(limits(held), _mechanism(ceiling, held)) as opened:
        try:
            manifest = cut_order(order, opened, progress)
        finally:
            progress.line.clear()
    cutting = Cutting(order.out_dir, manifest)
    if cutting.status == "cancelled":
        raise Cancelled(f"interrupted; {len(cutting.files)} clips are in {order.out_dir}")
    if not cutting.files:
        raise ClipkitError(cut_failure(manifest))
    return cutting


@overload
def sweep(
    experiment: PathLike | Mapping[str, Any],
    *,
    results: PathLike = ...,
    name: str | None = ...,
    ceiling: str | None = ...,
    background: Literal[False] = ...,
    dry_run: Literal[False] = ...,
) -> Campaign: ...
@overload
def sweep(
    experiment: PathLike | Mapping[str, Any],
    *,
    results: PathLike = ...,
    name: str | None = ...,
    ceiling: str | None = ...,
    background: Literal[True],
    dry_run: Literal[False] = ...,
) -> Handle: ...
@overload
def sweep(
    experiment: PathLike | Mapping[str, Any],
    *,
    results: PathLike = ...,
    name: str | None = ...,
    ceiling: str | None = ...,
    background: bool = ...,
    dry_run: Literal[True],
) -> Estimate: ...
def sweep(  # noqa: PLR0913 (the command's options, by keyword)
    experiment: PathLike | Mapping[str, Any],
    *,
    results: PathLike = "results",
    name: str | None = None,
    ceiling: str | None = None,
    background: bool = False,
    dry_run: bool = False,
) -> Campaign | Handle | Estimate:
    """Run, resume or extend the campaign of an experiment: a TOML file, or a dict of its shape.

    It always runs in a process of its own. This shows its progress and returns the campaign;
    interrupting it stops the campaign orderly, and what was finished is kept.

    >>> threads = {
    ...     "name": "threads",
    ...     "job": {"uploads": ["my.mp4"], "clips": 2, "length_s": 1},
    ...     "settings": {"encoder_threads": [1, 2]},
    ...     "run": {"blocks": 1},
    ... }
    >>> campaign = sweep(threads)  # doctest: +ELLIPSIS
    1 of 2, ...block 1 of 1: encoder threads ...
    >>> len(campaign.cells)
    2

    With `background` it goes on when this kernel ends, and what is returned at once is a handle
    (`watch`, `cancel`, `wait`); `attach` finds it again.

    >>> handle = sweep(threads, name="once-more", background=True)
    >>> handle.wait().folder.name
    'once-more'

    With `dry_run` nothing is swept, and how long that would take is estimated.

    >>> sweep(threads, name="a-third", dry_run=True).trials
    2

    Raises ExperimentError naming file, key and the legal values, CampaignError where it is being
    measured already, Cancelled where it is cancelled from elsewhere, ClipkitError where it fails.
    """
    forced = [] if ceiling is None else ["--ceiling", _forced(ceiling)]
    if isinstance(experiment, Mapping) and name is None and "name" not in experiment:
        raise ExperimentError(f"{_ASKED} has no name: state one in it, or give sweep(…, name=…)")
    with _file(experiment) as (file, asked):
        folder = Path(results).absolute() / named(name or asked.name)
        words = ["sweep", str(file), "--results", str(folder.parent), "--as", folder.name, "--json"]
        words += forced
        if dry_run:
            return Estimate(**own_process.answer([*words, "--dry-run"]))
        if background:
            running.start(words, folder)
            return Handle(folder.resolve())
        running.refuse_held(folder)
        own_process.answer(words)
        return loaded.load(folder)


def attach(folder: PathLike) -> Handle:
    """The handle of a sweep that was started elsewhere, or by a kernel that is gone.

    >>> handle = attach("results/threads")
    >>> handle.running, handle.standing().state
    (False, 'finished')

    Raises CampaignError where no sweep has been started in that folder.
    """
    handle = Handle(Path(folder).resolve())
    handle.standing()
    return handle


def load(folder: PathLike) -> Campaign:
    """A campaign's records, of a sweep or of `clipkit tune`, as they are now.

    >>> campaign = load("results/threads")
    >>> campaign.table["status"].tolist()
    ['ok', 'ok']
    >>> campaign.record(campaign.table["run_id"][0]).clips
    2

    Raises CampaignError where the folder holds no campaign.
    """
    return loaded.load(Path(folder))


def compare(a: Campaign | PathLike, b: Campaign | PathLike) -> Comparison:
    """Campaign `b` against campaign `a`: what differs between them, then the cells that both ran.

    >>> comparison = compare("results/threads", "results/once-more")
    >>> len(comparison.pairs), [pair.ratio.n for pair in comparison.pairs]
    (2, [1, 1])

    Where nothing can be compared, `why_not` says why. Raises CampaignError.
    """
    sides = [side if isinstance(side, Campaign) else load(side) for side in (a, b)]
    return comparing.compare(*sides)


def recommend(
    campaign: Campaign | PathLike, **singled_out: Unpack[SingledOut]
) -> Optimum | Recommendation:
    """The best settings that a campaign found for one host and job.

    >>> recommend("results/threads", clip_s=1.0).settings.preset
    'ultrafast'

    Of a sweep over several, the keywords single one out: `host` (a plan's name), `memory` and
    `reserve` (sizes such as `512M`), `cpus`, `preset`, `clip_s`, `upload` (its name). A tuning
    answers with its own recommendation unless something is singled out.

    Raises CampaignError where nothing matches, or several hosts or jobs do, naming these.
    """
    return (campaign if isinstance(campaign, Campaign) else load(campaign)).recommend(**singled_out)


@contextlib.contextmanager
def _file(given: PathLike | Mapping[str, Any]) -> Iterator[tuple[Path, Experiment]]:
    """An experiment's file, and what it says; one that was given as a dict is written meanwhile."""
    if not isinstance(given, Mapping):
        file = Path(given).absolute()
        yield file, experiments.read(file)
        return
    text = _toml(given)
    asked = experiments.parse(text, _ASKED)
    with tempfile.TemporaryDirectory(prefix="clipkit-experiment-") as scratch:
        file = Path(scratch, "experiment.toml")
        file.write_text(text, "utf-8")
        yield file, asked


def _toml(asked: Mapping[str, Any]) -> str:
    """An experiment's file. Its uploads become absolute: they are relative to where we are, the
    file's would be to where it lies."""
    document = dict(asked)
    job = document.get("job")
    if isinstance(job, Mapping) and "uploads" in job:
        given = job["uploads"]
        words = [given] if isinstance(given, str | Path) else given
        document["job"] = {**job, "uploads": [_absolute(word) for word in words]}
    try:
        return tomli_w.dumps(document)
    except TypeError as error:
        raise ExperimentError(f"{_ASKED}: no TOML can hold this: {error}") from None


def _absolute(word: PathLike) -> str:
    path = Path(word).absolute()
    is_sample = isinstance(word, str) and (sample.is_name(word) or word.startswith("sample-"))
    return str(word) if is_sample and not path.exists() else str(path)


def _settings(given: Settings | Mapping[str, Any] | PathLike | None) -> Settings:
    if isinstance(given, Settings):
        return given
    if isinstance(given, str | Path):
        return settings_station.load(Path(given))
    return settings_station.from_mapping(given or {}, "settings")


def _job(
    upload: Upload,
    clips: Sequence[tuple[float, float]] | None,
    count: int | None,
    length_s: float | None,
    seed: int | None,
) -> Job:
    if clips is not None:
        if (count, length_s, seed) != (None, None, None):
            raise UsageError("clips lists the clips: leave out count, length_s and seed")
        return Job(upload, tuple(Clip(start_s, duration_s) for start_s, duration_s in clips))
    if count is None or length_s is None:
        raise UsageError("say which clips: either clips, or count and length_s")
    return spread(upload, count, length_s, seed)


def _mechanism(word: str | None, host: Host) -> Mechanism | None:
    """None: the best that this machine has."""
    if word is None:
        return Mechanism.NONE if host.unlimited else None
    return _forced(word)


def _forced(word: str) -> Mechanism:
    try:
        return Mechanism(word)
    except ValueError:
        raise UsageError(f"unknown ceiling '{word}': one of {', '.join(Mechanism)}") from None


def _host(host: Host | str | None, memory: str | None, cpus: float | None) -> Host:
    base = host if isinstance(host, Host) else hosts.find(host or hosts.UNLIMITED)
    return hosts.custom(base, None if memory is None else hosts.parse_size(memory), cpus)
