"""Threads that a cell leaves open: filled in on the host by its quota, as a cut would; a command's are its own affair."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from container import on_this_machine, start_container
from inventing_uploads import upload
from small_packs import Packs, experiment

from clipkit.campaign.strategy import Cell
from clipkit.ceiling.base import Ceiling, Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.cli import parse_words
from clipkit.cluster.packing import Packing
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.pack.open_cells import opened_cells
from clipkit.pack.plan import Laid, as_documents, cell_document
from clipkit.pack.there.bench import threads_here
from clipkit.pack.there.course import course_of
from clipkit.pack.there.found import Found, Told
from clipkit.pack.there.planned import (
    THREADS,
    Place,
    Plan,
    PlannedCell,
    PlannedTrial,
    filled_in,
    film,
)
from clipkit.plan.clips import Clip, Job
from clipkit.plan.subjects import subject_named
from clipkit.plan.task import Task
from clipkit.records.folder import clips_by_run, read_records
from clipkit.records.record import Record
from clipkit.settings import Settings
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.cut import Order, cut_order

FILM = upload(frames=3000, path=Path("/uploads/film.mp4"))
OPEN = {"encoder_threads": 0, "decoder_threads": 0, "filter_threads": 0}
COMMAND = "ffmpeg -ss {start} -i {input} -t {duration} -c:v libx264 -preset ultrafast {output}"
KINDS = ("encoder_threads", "decoder_threads", "filter_threads")


def cell(subject: str = "clipkit", clips: int = 3, **settings: Any) -> Cell:
    asked = Settings(**settings)
    command = COMMAND if subject in ("command", "changed") else None
    return Cell(
        phase="grid",
        subject=subject_named(subject, asked, command),  # type: ignore[arg-type]
        settings=asked,
        job=Job(FILM, tuple(Clip(10.0 + 8 * n, 4.0) for n in range(clips))),
        host=Host("small", 512 * MIB, 0.5),
        reserve_bytes=0,
        block=0,
        timeout_s=60.0,
    )


def packed(build: FfmpegBuild, *cells: Cell, measured_bytes: int | None = None) -> list[Any]:
    """Each cell as the host reads it, and its file."""
    opened = opened_cells(cells)
    documents = [
        cell_document(Laid(n, c, f"cell {n}", "there", None, measured_bytes, opened.get(n)), build)
        for n, c in enumerate(cells)
    ]
    heads, works = as_documents(documents)
    told = [PlannedCell.from_json(json.loads(json.dumps(head))) for head in heads]
    return list(zip(told, works.values(), strict=True))


def words_of(work: dict[str, Any], threads: int | None) -> list[str]:
    """Of its first clip's ffmpeg, as the host starts it."""
    place = Place(film(FILM.sha256), Path("/film"), "/usr/bin/ffmpeg", None, True, threads)
    task = filled_in(Task.from_json(json.loads(json.dumps(work["tasks"][0]))), place)
    return list(task.attempts[0].steps[0].words)


def told_in(words: list[str], option: str) -> list[str]:
    return [value for name, value in itertools.pairwise(words) if name == option]


def test_what_the_engine_leaves_open_is_filled_in_there_and_what_was_asked_for_stays(
    build: FfmpegBuild,
) -> None:
    every, one = packed(build, cell(**OPEN), cell(encoder_threads=0, decoder_threads=4))
    assert told_in(words_of(every[1], 3), "-threads") == ["3", "3"]
    assert told_in(words_of(every[1], 3), "-filter_threads") == ["3"]
    assert told_in(words_of(one[1], 3), "-threads") == ["4", "3"]
    assert told_in(words_of(one[1], 3), "-filter_threads") == ["1"]


@pytest.mark.parametrize("subject", ["fluent", "sketch", "command", "changed"])
def test_what_a_command_leaves_open_stays_ffmpegs_own_choice(
    build: FfmpegBuild, subject: str
) -> None:
    ((head, work),) = packed(build, cell(subject, **OPEN))
    assert head.open is None
    assert THREADS not in json.loads(json.dumps(work["tasks"]))[0]["attempts"][0]["steps"][0]["run"]
    assert told_in(words_of(work, None), "-threads") == []


def test_a_block_for_a_cluster_measures_what_a_trial_here_would(build: FfmpegBuild) -> None:
    left_open = cell(**OPEN)
    trial = Trial(
        identity=Identity("there", left_open.name, 0, 0, 1, "grid"),
        job=left_open.job,
        subject=left_open.subject,
        settings=left_open.settings,
        build=build,
        host=left_open.host,
        reserve_bytes=0,
        timeout_s=60.0,
    )
    parcel = Packing([trial], None, False, [], 0.1).block([trial])
    with zipfile.ZipFile(io.BytesIO(parcel.content)) as block:
        work = json.loads(block.read("cells/0.json"))
        (head,) = json.loads(block.read("plan.json"))["cells"]
    assert head["open"] is None
    assert told_in(words_of(work, None), "-threads") == []
    assert {work["row"][name] for name in KINDS} == {0}


@pytest.mark.parametrize(
    ("cpus", "asked", "threads"),
    [
        (0.5, {}, 1),
        (1.5, {}, 2),
        (1.5, {"cpu_percent": 50}, 1),
        (2, {"concurrency": 2}, 1),
        (2, {"concurrency": 3, "clips": 1}, 2),
    ],
)
def test_a_clip_gets_the_share_of_the_cpu_that_a_cut_would_give_it(
    cpus: float, asked: dict[str, int], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {*range(8)})
    opened = opened_cells([cell(**asked, **OPEN)])
    here = planned_cell(open=opened[0])
    assert threads_here([here], Host("small", None, cpus)) == {0: threads}


def test_a_cell_that_is_the_same_as_another_one_there_is_named_by_its_number() -> None:
    cells = [
        cell(encoder_threads=0),
        cell(encoder_threads=1),
        cell(encoder_threads=2),
        cell("fluent"),
    ]
    assert opened_cells(cells)[0].same_as == ((1, 1), (2, 2))
    assert opened_cells([cell(), cell(concurrency=2, encoder_threads=0)])[1].same_as == ()
    both = [cell(encoder_threads=0), cell(decoder_threads=0)]
    assert opened_cells(both)[1].same_as == ((1, 0),)


def test_memory_is_foretold_with_the_threads_that_there_are_on_the_host(build: FfmpegBuild) -> None:
    told = [cell(encoder_threads=n, decoder_threads=n, filter_threads=n) for n in (1, 4)]
    (left_open, _), (one, _), (four, _) = packed(build, cell(**OPEN), *told)
    assert left_open.predicted_bytes == one.predicted_bytes  # by the half core of its plan
    assert (
        left_open.need_bytes(1, cores=64) == one.need_bytes(None, cores=64) == one.predicted_bytes
    )
    assert left_open.need_bytes(4, cores=2) == four.predicted_bytes > one.predicted_bytes
    assert left_open.need_bytes(5, cores=2) == left_open.need_bytes(6, cores=2)
    assert left_open.need_bytes(99, cores=2) == left_open.need_bytes(16, cores=2)


@pytest.mark.parametrize("subject", ["fluent", "command"])
def test_what_ffmpeg_chooses_by_itself_is_foretold_by_the_cores_that_it_sees(
    build: FfmpegBuild, subject: str
) -> None:
    ((model, _),) = packed(build, cell(subject, **OPEN))
    ((measured, _),) = packed(build, cell(subject, **OPEN), measured_bytes=100 * MIB)
    here, many = os.cpu_count() or 1, 64
    assert measured.need_bytes(None, here) == measured.predicted_bytes == 100 * MIB
    more = model.need_bytes(None, many) - model.need_bytes(None, here)
    assert more > 50 * MIB
    assert measured.need_bytes(None, many) == 100 * MIB + more


def planned_cell(number: int = 0, **facts: Any) -> PlannedCell:
    plain: dict[str, Any] = {
        "words": f"cell {number}",
        "upload": "0" * 64,
        "predicted_bytes": 50 * MIB,
    }
    plain |= {"cpu_s": 1.0, "busy": 1, "timeout_s": 60.0, "ours": True, "needs": (), "open": None}
    return PlannedCell(number=number, **plain | facts)


def plan_of(*cells: PlannedCell) -> Plan:
    trials = tuple(PlannedTrial(n, each, 0) for n, each in enumerate(cells, start=1))
    names = dict.fromkeys(("pack", "campaign", "host", "packed_utc", "clipkit_version"), "")
    rest: dict[str, Any] = {"ffmpeg_version": "", "canary_s": 1.0, "uploads": (), "quantiles": {}}
    return Plan(**names, **rest, key=b"", trials=trials, encoders=(), filters=(), promise=None)


@pytest.mark.parametrize(("cores", "is_left_out"), [(2, False), (32, True)])
def test_a_command_that_would_open_dozens_of_threads_there_is_left_out(
    cores: int, is_left_out: bool, build: FfmpegBuild
) -> None:
    ((head, _),) = packed(build, cell("command", **OPEN))
    found = Found(Told(256.0 * MIB, "x"), Told(0.5, "x"), 0, Told(), cores, None, 0)
    assert bool(course_of(plan_of(head), [1], found, {}, may_kill=False).left_out) is is_left_out
    assert course_of(plan_of(head), [1], found, {}, may_kill=True).left_out == {}


def test_of_each_upload_what_needs_the_least_is_warmed_up_and_nothing_that_may_end_the_instance() -> (
    None
):
    found = Found(Told(256.0 * MIB, "x"), Told(0.5, "x"), 0, Told(), 2, None, 0)
    sizes = {0: 90, 1: 60, 2: 500, 3: None}
    films = {0: "a", 1: "a", 2: "b", 3: "c"}
    cells = [
        planned_cell(n, upload=films[n], predicted_bytes=size and size * MIB)
        for n, size in sizes.items()
    ]
    theirs = planned_cell(4, upload="d", ours=False)
    course = course_of(plan_of(*cells, theirs), [1, 2, 3, 4, 5], found, {}, may_kill=True)
    assert [trial.number for trial in course.trials] == [1, 2, 3, 4, 5]
    assert [cell.number for cell in course.warmed_up()] == [1, 3]
    without = course_of(plan_of(*cells), [1, 2, 3, 4], found, {}, may_kill=False)
    assert [*without.left_out] == [2]
    assert [cell.number for cell in without.warmed_up()] == [1, 3]


@pytest.mark.parametrize(("threads", "is_left_out"), [(1, False), (4, True)])
def test_a_cell_is_left_out_by_the_threads_that_are_filled_in(
    threads: int, is_left_out: bool
) -> None:
    needs = ((1, 50 * MIB), (4, 300 * MIB))
    found = Found(Told(256.0 * MIB, "x"), Told(0.5, "x"), 0, Told(), 64, None, 0)
    plan = plan_of(planned_cell(needs=needs))
    course = course_of(plan, [1], found, {0: threads}, may_kill=False)
    assert (course.trials == (), "it may need 300 MB" in str(course.left_out)) == (is_left_out,) * 2


def unpacked(folder: Path) -> list[Record]:
    parsed = parse_words(["unpack", str(folder / "kept"), "--results", str(folder / "home")])
    assert parsed.handler(parsed) == 0
    return read_records(folder / "home" / "there-there")


def test_on_half_a_core_every_mode_gets_one_thread_each_and_its_record_says_so(
    small: Path, packs: Packs, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    head = f'[subject]\nname = ["clipkit", "fluent", "command"]\ncommand = "{COMMAND}"'
    settings = 'mode = ["encode", "smart", "auto", "copy"]\n' + "".join(f"{k} = 0\n" for k in KINDS)
    pack = packs(experiment(small, head=head, settings=settings))
    ceiling = real_ceiling(memory_bytes=400 * MIB, cpus=0.5)
    ran = start_container(ceiling, tmp_path, pack, "--yes", "--results", "kept").ended()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "threads   1 a clip of each kind left open, in 3 cells: its share" in ran.stdout
    records = unpacked(tmp_path)
    told = {(r.subject, r.settings.mode): r for r in records}
    assert len(told) == 6
    assert {r.status for r in records} == {"ok"}
    clips = clips_by_run(tmp_path / "home" / "there-there")
    for mode in ("encode", "smart", "auto"):
        record = told["clipkit", mode]
        assert [getattr(record.settings, kind) for kind in KINDS] == [1, 1, 1]
    argv = clips[told["clipkit", "encode"].run_id][0]["argv"]
    assert (told_in(argv, "-threads"), told_in(argv, "-filter_threads")) == (["1", "1"], ["1"])
    assert told["clipkit", "copy"].settings.encoder_threads is None
    for subject, threads in (("fluent", 0), ("command", None)):
        record = told[subject, "encode"]
        assert record.settings.encoder_threads == threads
        assert told_in(clips[record.run_id][0]["argv"], "-threads") == []


def test_a_cut_there_would_be_told_the_same_threads(
    small: Path, packs: Packs, tmp_path: Path, build: FfmpegBuild
) -> None:
    settings = Settings(**OPEN)
    pack = packs(experiment(small, settings="".join(f"{k} = 0\n" for k in KINDS)))
    ran = on_this_machine(
        pack, "--yes", "--results", "kept", "--cpus", "1.5", "--ffmpeg", build.path
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (record,) = unpacked(tmp_path)
    clips = clips_by_run(tmp_path / "home" / "there-there")[record.run_id]
    film_here = probe_upload(small)
    job = Job(film_here, tuple(Clip(each["start_s"], each["duration_s"]) for each in clips))
    order = Order(job, settings, build, Host("mine", None, 1.5), 0, tmp_path / "cut", 60.0)
    with contextlib.closing(open_ceiling(Limits(None, None))) as ceiling:
        manifest = cut_order(order, ceiling, lambda _event: None)
    cut = [each["argv"] for each in manifest["clips"]]
    for ours, theirs in zip(cut, (each["argv"] for each in clips), strict=True):
        assert told_in(theirs, "-threads") == told_in(ours, "-threads") != []
        assert told_in(theirs, "-filter_threads") == told_in(ours, "-filter_threads") != []
    assert [getattr(record.settings, k) for k in KINDS] == [manifest["settings"][k] for k in KINDS]


def test_what_is_measured_once_is_not_called_two_cells(
    small: Path, packs: Packs, tmp_path: Path
) -> None:
    pack = packs(experiment(small, settings="encoder_threads = [0, 1]"))
    ran = on_this_machine(pack, "--yes", "--results", "kept", "--cpus", "0.5")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    words = "with 1 thread a clip, its share of the CPU here, it is the same as encoder threads 1"
    assert f"left out  encoder threads 0: {words}" in ran.stdout
    (record,) = unpacked(tmp_path)
    assert record.settings.encoder_threads == 1
