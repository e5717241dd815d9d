"""What came home becomes a campaign like any other; nothing counts twice, what is refused is named."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import inventing_sweep
import pyarrow.parquet as pq
import pytest
from inventing_sweep import Sweep, on
from packed_campaigns import GRID, TRIALS, Run, packed_run, write_log

from clipkit.analysis.compare import compare_campaigns
from clipkit.cli import main
from clipkit.errors import CampaignError
from clipkit.format import MIB
from clipkit.pack.kept import Packed, PackedTrial, keep_packed
from clipkit.pack.there.parts import Kind, printed_parts
from clipkit.pack.unpack import unpack_logs
from clipkit.records.campaign import open_campaign
from clipkit.records.folder import clips_by_run, read_records, read_uploads
from clipkit.records.record import Record

EVERY = range(1, TRIALS + 1)
LATER, LAST = "2030-01-01T00:00:00.000+00:00", "2031-01-01T00:00:00.000+00:00"
LIVES = ("00000001", "00000002")


@pytest.fixture
def run(data_folder: Path) -> Run:
    return packed_run()


def unpacked(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any], str]:
    with pytest.raises(SystemExit) as ended:
        main(["unpack", *map(str, words), "--json"])
    told = capsys.readouterr()
    return int(ended.value.code or 0), json.loads(told.out or "{}"), told.err


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_log_becomes_the_campaign_that_was_measured(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write_log(tmp_path / "a.log", run.log(EVERY))
    code, home, told = unpacked(capsys, log, "--results", tmp_path / "home")
    assert (code, home["trials"], home["left"], home["refused"]) == (0, TRIALS, [], []), told
    folder = Path(home["campaign"])
    assert folder == tmp_path / "home" / "reference-grid"
    assert read_records(folder) == list(run.records)
    theirs, ours = clips_by_run(folder), clips_by_run(GRID)
    assert theirs == {
        record.run_id: ours[record.run_id] for record in run.records if record.run_id in ours
    }
    sampled = [r for r in run.records if (GRID / "samples" / f"{r.run_id}.parquet").exists()]
    assert sampled
    for record in sampled:
        there = pq.read_table(folder / "samples" / f"{record.run_id}.parquet").to_pydict()
        before = pq.read_table(GRID / "samples" / f"{record.run_id}.parquet").to_pydict()
        assert len({int(t_s) for t_s in there["t_s"]}) == len(there["t_s"]) <= len(before["t_s"])
        assert max(there["anon_bytes"]) == pytest.approx(max(before["anon_bytes"]), abs=MIB)


def test_compare_and_merge_take_it_like_any_other(run: Run, tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.log", run.log(EVERY))
    (home,) = unpack_logs([log], tmp_path / "home").unpacked
    assert home.folder
    compared = compare_campaigns(open_campaign(home.folder), open_campaign(GRID))
    assert {d.what for d in compared.differences} <= {"machine", "system"}
    assert len(compared.pairs) == len({record.cell for record in run.records})
    with pytest.raises(SystemExit) as ended:
        main(["merge", str(home.folder), "--results", str(tmp_path / "merged")])
    assert ended.value.code == 0
    assert read_records(tmp_path / "merged" / "grid") == list(run.records)


def test_taken_home_again_it_changes_nothing(run: Run, tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.log", run.log(EVERY))
    first = unpack_logs([log], tmp_path / "home").unpacked[0]
    before = contents(tmp_path / "home")
    again = unpack_logs([log, log], tmp_path / "home").unpacked[0]
    assert (first.added, again.added, again.trials) == (TRIALS, 0, TRIALS)
    assert contents(tmp_path / "home") == before


def test_what_is_left_is_told_with_the_option_that_goes_on(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [*run.log([1, 2, 3, 5, 9, 10]), *run.began(4, at=LATER)]
    log = write_log(tmp_path / "a.log", lines)
    code, home, _ = unpacked(capsys, log, "--results", tmp_path / "home")
    assert code == 0
    assert [left["number"] for left in home["left"]] == [4, 6, 7, 8, 11, 12]
    assert home["left"][0]["why"] == "began, and no end of it came home"
    assert home["left"][1]["why"] == "not run yet"
    assert home["go_on"] == "--done 1-3,5,9-10"
    second = write_log(tmp_path / "b.log", run.log([4, 6, 7, 8, 11, 12], "00000002"))
    code, home, _ = unpacked(capsys, second, "--results", tmp_path / "home")
    assert (code, home["trials"], home["added"], home["left"]) == (0, TRIALS, 6, [])


def test_of_several_lives_the_first_valid_end_counts(run: Run, tmp_path: Path) -> None:
    invalid = {
        "run_id": "0000-x-b0-a1-000001",
        "status": "invalid_machine",
        "error": "the instance was gone",
        "started_utc": "2020-01-01T00:00:00+00:00",
    }
    later = {"run_id": "0000-x-b0-a2-000002", "started_utc": "2030-01-01T00:00:00+00:00"}
    lines = [
        *run.ended(1, "00000003", **later),
        *run.ended(1, "00000001", **invalid),
        *run.ended(1, "00000002"),
    ]
    (home,) = unpack_logs([write_log(tmp_path / "a.log", lines)], tmp_path / "home").unpacked
    assert home.folder
    kept = [record.run_id for record in read_records(home.folder)]
    assert kept == ["0000-x-b0-a1-000001", run.records[0].run_id]
    assert home.second == 1
    assert [left.number for left in home.left] == list(range(2, TRIALS + 1))


def test_a_trial_lost_in_two_lives_has_failed_and_is_not_run_again(
    run: Run, tmp_path: Path
) -> None:
    began = [*run.began(2, "00000001"), *run.began(2, "00000002"), *run.ended(1)]
    lines = [*began, *run.where("00000003", started_utc=LATER)]
    (home,) = unpack_logs([write_log(tmp_path / "a.log", lines)], tmp_path / "home").unpacked
    assert home.left[0].why.startswith("failed: it began in 2 starts, and no end of it came home")
    assert home.go_on == "--done 1-2"
    assert "go on there: python3 FILE.pyz --yes --done 1-2" in list(home.lines())
    rest = (line for n in range(3, TRIALS + 1) for line in run.ended(n, "00000003"))
    every = [*lines, *rest]
    (home,) = unpack_logs([write_log(tmp_path / "b.log", every)], tmp_path / "home").unpacked
    assert ([left.number for left in home.left], home.go_on) == ([2], None)
    assert not any("go on there" in line for line in home.lines())
    assert home.to_json()["left"][0]["has_failed"] is True


def test_of_two_starts_that_may_be_under_way_in_a_trial_neither_has_lost_it(
    run: Run, tmp_path: Path
) -> None:
    """And who starts a third takes them for over."""
    lines = [line for life in LIVES for line in run.where(life, started_utc="2026-01-01")]
    lines += [*run.ended(1), *(line for life in LIVES for line in run.began(2, life))]
    (home,) = unpack_logs([write_log(tmp_path / "a.log", lines)], tmp_path / "home").unpacked
    assert (home.left[0].began, home.left[0].over, home.left[0].has_failed) == (2, 0, False)
    assert home.left[0].why.endswith("if the newest has not ended yet, wait for it")
    assert home.go_on == "--done 1-2"


def test_a_trial_whose_end_the_log_lost_while_the_start_went_on_is_run_again(
    run: Run, tmp_path: Path
) -> None:
    lines = run.ended(1)
    for life in LIVES:
        lines += [*run.began(2, life), *run.began(3, life), *run.ended(3, life)]
    lines += run.where("00000003", started_utc=LAST)
    (home,) = unpack_logs([write_log(tmp_path / "a.log", lines)], tmp_path / "home").unpacked
    assert (home.left[0].number, home.left[0].has_failed) == (2, False)
    assert home.left[0].why == "it ended, and its end did not come home"
    assert home.go_on == "--done 1,3"


@pytest.mark.parametrize("kept", ["half a line", "an altered line", "one line of two"])
def test_a_trial_of_whose_end_something_came_was_not_lost(
    run: Run, tmp_path: Path, kept: str
) -> None:
    lines, noise = run.ended(1), random.Random(0).randbytes(4000).hex()
    for life in LIVES:
        first, *others = run.ended(2, life, error=noise)
        assert others
        pieces = {"half a line": first[:200], "an altered line": f"{first[:-3]}AAA"}
        lines += [*run.began(2, life), pieces.get(kept, first)]
    lines += run.where("00000003", started_utc=LAST)
    home = unpack_logs([write_log(tmp_path / "a.log", lines)], tmp_path / "home")
    assert {(each.trial, each.life) for each in home.refused} == {(2, life) for life in LIVES}
    (unpacked,) = home.unpacked
    assert unpacked.left[0].why == "it ended, and its end did not come home"
    assert unpacked.go_on == "--done 1"


def test_a_trial_that_others_disturbed_once_and_that_was_lost_twice_is_said_to_have_failed(
    run: Run, tmp_path: Path
) -> None:
    spoilt = {"run_id": "0001-x-b0-a1-00000000", "status": "invalid_machine", "error": "no room"}
    lines = [*run.ended(1), *run.ended(2, "00000000", **spoilt)]
    lines += [line for life in LIVES for line in run.began(2, life)]
    lines += run.where("00000003", started_utc=LAST)
    (home,) = unpack_logs([write_log(tmp_path / "a.log", lines)], tmp_path / "home").unpacked
    assert home.left[0].why.startswith("failed: it began in 2 starts")
    assert home.go_on == "--done 1-2"


def test_a_trial_that_ended_in_each_of_two_lives_and_tells_nothing_is_to_be_run_again(
    run: Run, tmp_path: Path
) -> None:
    lines = run.ended(1)
    for life in ("00000001", "00000002"):
        run_id = f"0001-x-b0-a1-{life}"
        spoilt = {"run_id": run_id, "status": "invalid_machine", "error": "no room"}
        lines += [*run.began(2, life, run_id), *run.ended(2, life, **spoilt)]
    (home,) = unpack_logs([write_log(tmp_path / "a.log", lines)], tmp_path / "home").unpacked
    assert (home.left[0].number, home.left[0].has_failed) == (2, False)
    assert home.go_on == "--done 1"


def test_what_a_later_start_gave_up_for_lost_and_had_ended_after_all_has_ended(
    run: Run, tmp_path: Path
) -> None:
    """Its end was printed, and the disk forgot it."""
    lost = {"status": "invalid_machine", "error": "the instance ended in it"}
    lines = [*run.ended(1, "00000002", lost=True, **lost), *run.ended(1, "00000001")]
    (home,) = unpack_logs([write_log(tmp_path / "a.log", lines)], tmp_path / "home").unpacked
    assert home.folder
    assert read_records(home.folder) == [run.records[0]]


@pytest.mark.parametrize(
    ("altered", "why"),
    [
        ({"cell": "another"}, "is of another trial than the plan's"),
        ({"block": 7}, "is of another trial than the plan's"),
        ({"upload_sha256": "0" * 64}, "is of another trial than the plan's"),
        ({"wall_s": "long"}, "holds wall_s = 'long'"),
        ({"run_id": "../../x"}, "no run is called that"),
        ({"status": "splendid"}, "was written by clipkit"),
    ],
)
def test_what_is_signed_and_yet_no_trial_of_the_plan_is_refused(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], altered: dict[str, Any], why: str
) -> None:
    log = write_log(tmp_path / "a.log", [*run.log([1, 2]), *run.ended(3, **altered)])
    code, home, told = unpacked(capsys, log, "--results", tmp_path / "home")
    assert (code, home["trials"]) == (1, 2)
    (refused,) = home["refused"]
    assert refused["trial"] == 3
    assert why in refused["why"]
    assert f"refused: {log}" in told


def test_a_signed_end_whose_record_is_no_object_is_refused_and_the_rest_comes_home(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = printed_parts(run.sender("00000001"), Kind.ENDED, 3, {"record": []})
    log = write_log(tmp_path / "a.log", [*run.log([1, 2]), *odd])
    code, home, _ = unpacked(capsys, log, "--results", tmp_path / "home")
    assert (code, home["trials"]) == (1, 2)
    assert [refused["trial"] for refused in home["refused"]] == [3]


def test_a_lost_and_an_altered_part_are_named_and_the_rest_comes_home(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, long = run.log([1, 2]), run.ended(3)
    broken = long[0][:-3] + ("AAA" if long[0][-3:] != "AAA" else "BBB")
    log = write_log(tmp_path / "a.log", [*lines, broken, *long[1:]])
    code, home, told = unpacked(capsys, log, "--results", tmp_path / "home")
    assert (code, home["trials"]) == (1, 2)
    assert any("its signature does not fit" in each["why"] for each in home["refused"])
    assert 3 in {each["number"] for each in home["left"]}
    assert "Traceback" not in told


def test_a_pack_that_was_made_elsewhere_needs_its_file(
    run: Run, tmp_path: Path, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write_log(tmp_path / "a.log", run.log([1]))
    shutil.rmtree(data_folder)
    code, home, told = unpacked(capsys, log, "--results", tmp_path / "home")
    assert (code, home["campaign"], home["trials"]) == (1, None, 0)
    assert "parts of pack 0123456789ab, whose key is not here: name that pack with --pack" in told
    assert not (tmp_path / "home").exists()
    pyz = tmp_path / "it.pyz"
    with zipfile.ZipFile(pyz, "w") as file:
        file.writestr("home.json", run.packed.to_json())
    code, home, told = unpacked(capsys, log, "--pack", pyz, "--results", tmp_path / "home")
    assert (code, home["trials"]) == (0, 1), told


def test_two_shards_in_one_log_are_one_campaign(run: Run, tmp_path: Path) -> None:
    trials = run.packed.trials
    first = packed_run("aaaaaaaaaaa1", trials=trials[:5], shard="1/2")
    second = packed_run("aaaaaaaaaaa2", trials=trials[5:], shard="2/2")
    rest = Run(second.packed, second.records[5:])
    lines = [
        line
        for pair in zip(first.log([1, 2, 3, 4, 5]), rest.log([1, 2, 3, 4, 5]), strict=False)
        for line in pair
    ]
    log = write_log(tmp_path / "a.log", lines + rest.log([6, 7]))
    home = unpack_logs([log], tmp_path / "home")
    assert home.refused == ()
    assert {each.folder for each in home.unpacked} == {tmp_path / "home" / "reference-grid"}
    assert len(read_records(tmp_path / "home" / "reference-grid")) == TRIALS


def test_two_campaigns_in_one_log_are_two(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = packed_run("bbbbbbbbbbbb", campaign="other")
    named = {"campaign": "other"}
    lines = [*run.log([1, 2]), *other.where(), *other.ended(1, **named)]
    log = write_log(tmp_path / "a.log", lines)
    code, home, told = unpacked(capsys, log, "--results", tmp_path / "home")
    assert code == 0, told
    assert (Path(home["campaign"]).name, home["trials"]) == ("reference-grid", 2)
    assert [(Path(o["campaign"]).name, o["trials"]) for o in home["others"]] == [("other", 1)]


def test_of_two_campaigns_the_one_that_cannot_be_taken_is_named_and_the_other_told(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(GRID, tmp_path / "home" / "reference-grid")
    experiment = tmp_path / "home" / "reference-grid" / "experiment.toml"
    experiment.write_text(experiment.read_text().replace("length_s = 2", "length_s = 3"))
    before = contents(tmp_path / "home" / "reference-grid")
    other = packed_run("bbbbbbbbbbbb", campaign="other")
    lines = [*run.log([1, 2]), *other.where(), *other.ended(1, campaign="other")]
    log = write_log(tmp_path / "a.log", lines)
    code, home, told = unpacked(capsys, log, "--results", tmp_path / "home")
    assert (code, Path(home["campaign"]).name, home["trials"]) == (1, "other", 1)
    [refused] = home["refused"]
    assert refused["pack"] == run.packed.pack
    assert "holds another experiment than pack" in refused["why"]
    assert "holds another experiment than pack" in told
    assert contents(tmp_path / "home" / "reference-grid") == before


def test_a_folder_is_searched_for_logs_and_what_is_no_text_is_left_alone(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "there" / "deep"
    folder.mkdir(parents=True)
    write_log(folder / "printed.log", run.log([1, 2]))
    (folder / "clip.mp4").write_bytes(bytes(100) + run.ended(3)[0].encode())
    (tmp_path / "there" / "link.log").symlink_to(write_log(tmp_path / "b.log", run.log([4])))
    (home,) = unpack_logs([tmp_path / "there"], tmp_path / "home").unpacked
    assert home.trials == 2


def test_another_ffmpeg_is_not_mixed_in(run: Run, tmp_path: Path) -> None:
    lines = [*run.log([1, 2]), *run.ended(3, ffmpeg_version="another")]
    home = unpack_logs([write_log(tmp_path / "a.log", lines)], tmp_path / "home")
    assert home.unpacked[0].trials == 2
    assert "was measured with another ffmpeg (another)" in str(home.refused[0])


def test_other_threads_than_the_host_filled_in_before_are_not_mixed_in(
    run: Run, tmp_path: Path
) -> None:
    first = run.records[1]
    again = dataclasses.replace(first, block=1, run_id=f"0002-{first.cell}-b1-a1-abcdef")
    trials = tuple(PackedTrial(r.cell, r.block, r.cell) for r in (first, again))
    twice = Run(packed_run(trials=trials).packed, (first, again))
    lines = [*twice.ended(1), *twice.ended(2, encoder_threads=3)]
    home = unpack_logs([write_log(tmp_path / "a.log", lines)], tmp_path / "home")
    assert home.unpacked[0].trials == 1
    assert "was measured with other threads (3+1+1 instead of 1+1+1)" in str(home.refused[0])
    lines = [*twice.ended(1), *twice.ended(2)]
    home = unpack_logs([write_log(tmp_path / "b.log", lines)], tmp_path / "alike")
    assert (home.unpacked[0].trials, home.refused) == (2, ())


def test_what_home_measured_itself_is_no_end_of_the_hosts_trials(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same cells and blocks have ended at home, under its own ceiling."""
    there = shutil.copytree(GRID, tmp_path / "home" / "reference-grid")
    before = contents(there)
    lines = [line for n in EVERY for line in run.ended(n, **on_the_host(n))]
    log = write_log(tmp_path / "a.log", lines)
    code, home, told = unpacked(capsys, log, "--results", tmp_path / "home")
    assert (code, home["added"], [each["trial"] for each in home["refused"]]) == (1, 0, [*EVERY])
    why = (
        "was measured with another ceiling (ambient) than what is there: unlike runs are not mixed"
    )
    assert told.count(why) == TRIALS
    assert contents(there) == before
    code, home, _ = unpacked(capsys, log, "--results", tmp_path / "elsewhere")
    assert (code, home["added"], home["refused"], home["left"]) == (0, TRIALS, [], [])


def on_the_host(number: int) -> dict[str, Any]:
    """The columns of another attempt at that trial."""
    run_id = f"{number:04d}-x-b0-a1-{number:06x}"
    return {"ceiling": "ambient", "host_id": "f00000000000", "run_id": run_id}


def test_an_end_of_another_life_by_other_means_is_refused_and_not_merely_the_second(
    run: Run, tmp_path: Path
) -> None:
    """As where another ffmpeg was installed between two starts."""
    other = {"run_id": "0001-x-b0-a2-000002", "started_utc": LAST, "ffmpeg_version": "another"}
    lines = [*run.log([1]), *run.ended(1, "00000002", **other)]
    home = unpack_logs([write_log(tmp_path / "a.log", lines)], tmp_path / "home")
    assert (home.unpacked[0].trials, home.unpacked[0].second) == (1, 0)
    assert "was measured with another ffmpeg (another)" in str(home.refused[0])


def test_machines_that_disagree_about_a_ratio_are_named(
    tmp_path: Path, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two shards of one plan, each measured by a machine of its own; on one of them a preset takes longer."""
    one, two = shards_of_two_machines(tmp_path / "invented", slower=1.5)
    first = write_log(tmp_path / "a.log", one.log(range(1, len(one.records) + 1)))
    second = write_log(tmp_path / "b.log", two.log(range(1, len(two.records) + 1)))
    code, home, _ = unpacked(capsys, first, "--results", tmp_path / "home")
    assert (code, home["machines_disagree"]) == (0, [])
    code, home, _ = unpacked(capsys, first, second, "--results", tmp_path / "home")
    (other,) = home["others"]
    assert (code, other["trials"]) == (0, len(one.records) + len(two.records))
    assert len(home["machines_disagree"]) == 2  # at one and at two at once
    for words in home["machines_disagree"]:
        assert words.startswith("machines disagree on how many times the seconds of")
        assert "on one" in words
        assert "on two" in words
    with pytest.raises(SystemExit):
        main(["unpack", str(first), str(second), "--results", str(tmp_path / "home")])
    assert capsys.readouterr().out.count("machines disagree on") == 2


def shards_of_two_machines(folder: Path, slower: float) -> list[Run]:
    """Of an invented sweep."""
    sweep = Sweep(
        factors={"preset": ("ultrafast", "veryfast"), "concurrency": (1, 2)},
        hosts=(on("512M"),),
        blocks=8,
        spoilt=False,
        noise_log_sd=0.05,
    )
    inventing_sweep.write(folder, sweep)
    found = []
    for shard, machine in enumerate(("one", "two")):
        records = tuple(
            replace(
                record,
                host_id=machine,
                run_id=f"{record.order:04d}-{record.cell}-b{record.block}-a1-{record.order:06x}",
                wall_s=(record.wall_s or 0) * (slower if _is_slower(record, machine) else 1),
            )
            for record in inventing_sweep.records(sweep)
            if record.block % 2 == shard
        )
        packed = Packed(
            pack=f"aaaaaaaaaaa{shard}",
            key="0" * 64,
            campaign=sweep.name,
            host="512M-2cpu",
            packed_utc="2026-11-26T18:00:00+00:00",
            clipkit_version="1.0",
            experiment=(folder / "experiment.toml").read_text(),
            uploads=read_uploads(folder),
            trials=tuple(PackedTrial(r.cell, r.block, r.cell) for r in records),
            shard=f"{shard + 1}/2",
        )
        keep_packed(packed)
        found.append(Run(packed, records))
    return found


def _is_slower(record: Record, machine: str) -> bool:
    return machine == "two" and record.settings.preset == "veryfast"


def test_another_experiment_of_that_name_is_refused_and_stays_as_it_is(
    run: Run, tmp_path: Path
) -> None:
    shutil.copytree(GRID, tmp_path / "home" / "reference-grid")
    experiment = tmp_path / "home" / "reference-grid" / "experiment.toml"
    experiment.write_text(experiment.read_text().replace("length_s = 2", "length_s = 3"))
    before = contents(tmp_path / "home")
    with pytest.raises(CampaignError, match="holds another experiment than pack 0123456789ab"):
        unpack_logs([write_log(tmp_path / "a.log", run.log([1]))], tmp_path / "home")
    assert contents(tmp_path / "home") == before


def test_a_log_of_something_else_is_called_so(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.log", ["nothing", "of ours"])
    with pytest.raises(CampaignError, match="holds nothing that a pack printed"):
        unpack_logs([log], tmp_path / "home")
