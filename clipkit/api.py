"""The Python API: parse, call one station, return a frozen object. It decides nothing.

from clipkit import probe, cut, sweep, merge, load, compare, recommend, plans, attach
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Never, Unpack, overload

from clipkit import arguments, ffmpeg_builds, given, hosts
from clipkit.analysis.compare import Comparison, compare_campaigns
from clipkit.campaign import background as running
from clipkit.campaign import own_process
from clipkit.campaign.estimate import Estimate
from clipkit.campaign.merge import merge_campaigns
from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.errors import Cancelled, ClipkitError, ExperimentError, UsageError
from clipkit.given import Asked, No, PathLike, Sweeping, Yes
from clipkit.hosts import Host
from clipkit.legal import unknown_word
from clipkit.media.upload import Upload
from clipkit.output import cut_failure
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.records.folder import is_tuning
from clipkit.records.store import campaign_named
from clipkit.report.exhibits.card import Shown, shown_campaign
from clipkit.report.exhibits.cutting import Cutting
from clipkit.report.notebooks.handle import Handle
from clipkit.settings import Settings
from clipkit.terminal import CutProgress
from clipkit.trial.cut import Order, cut_order
from clipkit.tuning.elsewhere import places_elsewhere
from clipkit.tuning.offers import AskedLoad, Load
from clipkit.tuning.optimum import Number, Optimum, Size, Wanted, optimum
from clipkit.tuning.recommendation import Recommendation, read_recommendation
from clipkit.tuning.which_plan import WhichPlan, which_plan


def probe(video: PathLike) -> Upload:
    """The facts about an upload; `sample` is the sample film. Raises UploadError.

    >>> upload = probe("my.mp4")
    >>> upload.width, upload.height, upload.fps
    (160, 90, 25.0)
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
    memory: Size | None = None,
    cpus: float | None = None,
    reserve: Size = "0",
    ceiling: str | None = None,
    timeout_s: float = 3600,
    overwrite: bool = False,
    poster: bool = False,
) -> Cutting:
    """Cut clips out of an upload, into the folder `out`.

    Which clips: either `clips`, pairs of start and duration in seconds, or `count` clips of
    `length_s`, spread evenly or from `seed`. Clips of another cut in `out` are kept, and nothing is
    cut, unless `overwrite` has them replaced. With `poster` each has a JPEG of its first picture beside it.

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
    chosen = given.given_settings(settings)
    held, limit_s = given.given_host(host, memory, cpus), given.given_limit_s(timeout_s)
    asked = arguments.describing(chosen.ffmpeg, [held], limit_s, hashed=False)
    job = given.given_job(arguments.upload(str(video), asked), clips, count, length_s, seed)
    order = Order(
        job=job,
        settings=chosen,
        build=ffmpeg_builds.find_build(chosen.ffmpeg),
        host=held,
        reserve_bytes=hosts.parse_size(str(reserve)),
        out_dir=Path(out).absolute(),
        timeout_s=limit_s,
        overwrite=overwrite,
        posters=poster,
    )
    progress = CutProgress(len(job.clips), order.frames_shown)
    with open_ceiling(Limits.of(held), given.given_mechanism(ceiling, held)) as opened, progress:
        cutting = Cutting(order.out_dir, cut_order(order, opened, progress))
    if cutting.status == "cancelled":
        raise Cancelled(f"interrupted; {len(cutting.files)} clips are in {order.out_dir}")
    if not cutting.files:
        raise ClipkitError(cut_failure(cutting.manifest))
    return cutting


@overload
def sweep(
    experiment: Asked, *, background: No = ..., dry_run: No = ..., **more: Unpack[Sweeping]
) -> Shown: ...
@overload
def sweep(
    experiment: Asked, *, background: Yes, dry_run: No = ..., **more: Unpack[Sweeping]
) -> Handle: ...
@overload
def sweep(
    experiment: Asked, *, background: bool = ..., dry_run: Yes, **more: Unpack[Sweeping]
) -> Estimate: ...
def sweep(  # noqa: PLR0913 (the command's options, by keyword)
    experiment: Asked,
    *,
    results: PathLike = "results",
    name: str | None = None,
    ceiling: str | None = None,
    background: bool = False,
    dry_run: bool = False,
    shard: str | None = None,
    accept_noise: bool = False,
    retry: Sequence[str] = (),
) -> Shown | Handle | Estimate:
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

    With `shard`, such as `1/2`, only that part of the blocks is run: `merge` joins the parts. What others
    disturbed each time is not measured, which is said; with `accept_noise` it counts. What ended as
    `retry` names (`failed`, `timeout`) is run again. Raises ExperimentError naming file, key and the legal
    values, CampaignError where it is being measured already, Cancelled where it is cancelled from
    elsewhere, ClipkitError where it fails.
    """
    if dry_run and background:
        raise UsageError("dry_run sweeps nothing: leave out background")
    if isinstance(experiment, Mapping) and name is None and "name" not in experiment:
        raise ExperimentError(
            f"{given.ASKED} has no name: state one in it, or give sweep(…, name=…)"
        )
    with given.experiment_on_disk(experiment) as (file, asked):
        folder = Path(results).absolute() / campaign_named(name or asked.name)
        words = ["sweep", str(file), "--results", str(folder.parent), "--as", folder.name, "--json"]
        words += given.sweep_options(ceiling, shard, accept_noise, retry)
        if dry_run:
            return Estimate(**own_process.answer([*words, "--dry-run"]))
        if background:
            running.start(words, folder)
            return Handle(folder.resolve())
        running.refuse_held(folder)
        own_process.answer(words)
        return shown_campaign(folder)


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


def merge(folders: Sequence[PathLike], results: PathLike = "results") -> Shown:
    """One campaign of several folders: of shards, of several machines. It lies in `results`, under
    its experiment's name; merged again it takes what is new.

    >>> merge(["results/threads", "results/threads"], "merged").name
    'threads'

    Raises CampaignError for folders of other experiments or uploads, or such as hold the same cell
    and block.
    """
    merged = merge_campaigns([Path(folder) for folder in folders], Path(results).absolute())
    return shown_campaign(merged.folder)


def load(folder: PathLike) -> Shown:
    """A campaign's records, of a sweep or of `clipkit tune`, as they are now.

    >>> campaign = load("results/threads")
    >>> campaign.table["status"].tolist()
    ['ok', 'ok']
    >>> campaign.record(campaign.table["run_id"][0]).clips
    2

    Raises CampaignError where the folder holds no campaign.
    """
    return shown_campaign(Path(folder))


def compare(a: Campaign | PathLike, b: Campaign | PathLike) -> Comparison:
    """Campaign `b` against campaign `a`: what differs between them, then the cells that both ran.

    >>> comparison = compare("results/threads", "results/once-more")
    >>> len(comparison.pairs), [pair.ratio.n for pair in comparison.pairs]
    (2, [1, 1])

    Where nothing can be compared, `why_not` says why. Raises CampaignError.
    """
    return compare_campaigns(_opened(a), _opened(b))


def recommend(  # noqa: PLR0913 (what singles a host and a job out, by keyword)
    campaign: Campaign | PathLike,
    *,
    host: str | Sequence[str] | None = None,
    memory: Size | Sequence[Size] | None = None,
    cpus: Number | Sequence[Number] | None = None,
    reserve: Size | Sequence[Size] | None = None,
    preset: str | Sequence[str] | None = None,
    crf: Number | Sequence[Number] | None = None,
    clip_s: Number | Sequence[Number] | None = None,
    upload: str | Sequence[str] | None = None,
    **unknown: Never,
) -> Optimum | Recommendation:
    """The best settings that a campaign found for one host and job.

    >>> recommend("results/threads", clip_s=1.0).settings.preset
    'ultrafast'

    Of a sweep over several, the keywords single one out: `host` (a plan's name), `memory` and
    `reserve` (sizes such as `512M`, or bytes), `cpus`, `preset`, `crf`, `clip_s`, `upload` (its name).
    A number may be text; of a list any will do. A tuning answers with its own recommendation unless
    something is singled out.

    >>> recommend("results/threads", cpus=None, clip_s=["1"]).to_toml().splitlines()[0]
    '# campaign threads'

    Either answer has `settings`, `sentence`, `to_json()` and `to_toml()`, a `clipkit.toml`.
    Raises CampaignError where nothing matches, or several hosts or jobs do, naming these; UsageError
    for a keyword that there is not, naming the nearest.
    """
    wanted = Wanted(host=host, memory=memory, cpus=cpus, reserve=reserve, preset=preset, crf=crf,
                    clip_s=clip_s, upload=upload)  # fmt: skip
    for word in unknown:
        raise UsageError(f"recommend: {unknown_word('keyword', word, wanted)}")
    opened = _opened(campaign)
    if is_tuning(opened.folder) and all(value is None for value in wanted.values()):
        return read_recommendation(opened.folder)
    return optimum(opened, **wanted)


def plans(campaigns: Sequence[Campaign | PathLike], **load: Unpack[AskedLoad]) -> WhichPlan:
    """Which plan carries a load, and what a clip costs there. The keywords are those of `Load`. Raises
    CampaignError where nothing finished, or several jobs were measured, naming these; UsageError.

    >>> sorted(plans(["results/threads"], clips_per_day=600, longest_wait_s=600).to_json())
    ['cheapest', 'elsewhere', 'load', 'not_alike', 'offers', 'unknown']
    """
    opened = [_opened(campaign) for campaign in campaigns]
    return which_plan(opened, Load(**load), [*hosts.catalogue().values()], places_elsewhere())


def _opened(campaign: Campaign | PathLike) -> Campaign:
    return campaign if isinstance(campaign, Campaign) else open_campaign(campaign)
