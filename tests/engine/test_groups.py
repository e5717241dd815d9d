"""Clips that one process makes: each is judged and told of like any, and is made alone where that failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from running import until
from talk import chain, engine

from clipkit.ceiling.base import Ceiling
from clipkit.format import MIB
from clipkit.plan.task import OUTPUT, Attempt, Run, Task, output_beside


def sh(words: str) -> Run:
    return Run(("sh", "-c", words))


def group(
    script: str, alone: Run, numbers: tuple[int, ...] = (1, 2), needs_bytes: int | None = None
) -> list[Task]:
    """`script` names the clips' files 1, 2, … in braces."""
    made = []
    for number in numbers:
        words = script
        for each in numbers:
            place = OUTPUT if each == number else output_beside(f"clip-{each:03d}.mp4")
            words = words.replace(f"{{{each}}}", place)
        others = tuple(each for each in numbers if each != number)
        together = Attempt(
            (sh(words),), encoded_frames=100, needs_bytes=needs_bytes, cut_with=others
        )
        attempts = (together, Attempt((alone,), change="cut alone", encoded_frames=100))
        made.append(replace(chain(number, shown=100), attempts=attempts))
    return made


def copied(film: Path, *numbers: int) -> str:
    return "; ".join(f"cp {film} {{{number}}}" for number in numbers)


def alone(film: Path) -> Run:
    return Run(("cp", str(film), OUTPUT))


def told(clips: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(clip[name] for name in names) for clip in clips]


def test_one_process_makes_them_and_each_is_told_of(tmp_path: Path, small: Path) -> None:
    script = f"echo started >> {tmp_path}/noted; {copied(small, 1, 2)}; sleep 0.5"
    with engine(tmp_path) as running:
        clips = running.run(group(script, Run(("false",))))
        assert not list(running.work.iterdir())
    assert (tmp_path / "noted").read_text() == "started\n"
    assert told(clips, "status", "change", "cut_with") == [("ok", None, [2]), ("ok", None, [1])]
    for number, clip in enumerate(clips, 1):
        assert clip["file"] == str(running.out / f"clip-{number:03d}.mp4")
        assert Path(clip["file"]).read_bytes() == small.read_bytes()
        assert all(str(running.out / f"clip-{n:03d}.mp4") in clip["argv"][-1] for n in (1, 2))
        assert clip["wall_s"] >= 0.5
    assert clips[0]["peak_rss_bytes"] == clips[1]["peak_rss_bytes"] > 0


def test_each_has_its_part_of_the_cpu(tmp_path: Path, small: Path) -> None:
    busy = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"
    with engine(tmp_path) as running:
        one, other = running.run(group(f"{busy}; {copied(small, 1, 2)}", alone(small)))
    with engine(tmp_path) as running:
        [whole] = running.run([chain(1, (sh(busy), alone(small)))])
    assert one["cpu_s"] == other["cpu_s"] > 0.05
    assert one["cpu_s"] + other["cpu_s"] == pytest.approx(whole["cpu_s"], rel=0.7)


FAILS = {
    "exit 3": "cut alone: ffmpeg ended with exit code 3",
    "echo 'x264 [error]: malloc of size 9 failed' >&2; exit 1": "cut alone: killed, or out of memory (exit code 1)",
    "kill -9 $$": "cut alone: killed, or out of memory (signal 9 (SIGKILL))",
    "echo 'nobody knows of which clip' >&2": "cut alone: nobody knows of which clip",
}


@pytest.mark.parametrize(("end", "change"), FAILS.items(), ids=str)
def test_where_it_fails_each_is_made_alone_in_its_turn_and_says_why(
    tmp_path: Path, small: Path, end: str, change: str
) -> None:
    log = tmp_path / "noted"
    once = sh(f"echo + >> {log}; sleep 0.2; cp {small} {OUTPUT}; echo - >> {log}")
    third = replace(chain(3, (alone(small),)))
    with engine(tmp_path) as running:
        clips = running.run([*group(f"{copied(small, 1, 2)}; {end}", once), third])
        assert not list(running.work.iterdir())
    assert told(clips, "status", "cut_with") == [("ok", [])] * 3
    assert [clip["change"] for clip in clips] == [change, change, None]
    assert log.read_text().split() == ["+", "-", "+", "-"]
    ended = [event["number"] for event in running.events if event["event"] == "clip"]
    assert ended == [1, 2, 3]


def test_what_warns_of_damage_may_mean_any_of_them(tmp_path: Path, small: Path) -> None:
    script = f"{copied(small, 1, 2)}; echo '[h264 @ 0x1] [warning] corrupt decoded frame' >&2"
    tasks = [replace(each, damage="corrupt decoded frame") for each in group(script, alone(small))]
    with engine(tmp_path) as running:
        clips = running.run(tasks)
    change = "cut alone: the upload is damaged in this clip or near it"
    assert told(clips, "status", "change", "cut_with") == [("ok", change, [])] * 2


def test_time_in_the_queue_is_no_time_at_work(tmp_path: Path, small: Path) -> None:
    once = sh(f"sleep 0.6; cp {small} {OUTPUT}")
    with engine(tmp_path) as running:
        first, second, third = running.run(group("exit 3", once, (1, 2, 3)))
    assert all(0.6 <= clip["wall_s"] < 1.1 for clip in (first, second, third))


def test_only_the_one_that_is_wrong_is_made_alone(tmp_path: Path, small: Path) -> None:
    script = f"{copied(small, 1)}; echo nothing > {{2}}"
    with engine(tmp_path) as running:
        first, second = running.run(group(script, alone(small)))
    assert (first["status"], first["change"], first["cut_with"]) == ("ok", None, [2])
    assert (second["status"], second["cut_with"]) == ("ok", [])
    assert second["change"].startswith("cut alone: it wrote no readable clip")


def test_what_fails_alone_too_is_no_loss_to_the_others(tmp_path: Path, small: Path) -> None:
    once = sh(f"test -e {tmp_path}/tried && exit 4; touch {tmp_path}/tried; cp {small} {OUTPUT}")
    with engine(tmp_path) as running:
        clips = running.run(group("exit 3", once))
    assert told(clips, "status", "error") == [
        ("ok", None),
        ("failed", "ffmpeg ended with exit code 4"),
    ]


def test_a_trial_that_ends_with_its_first_failure_tells_of_all(tmp_path: Path, small: Path) -> None:
    tasks = [*group("exit 3", Run(("false",)), (1, 2, 3)), chain(4, (alone(small),))]
    with engine(tmp_path) as running:
        clips = running.run(tasks, stop_on_failure=True)
    assert [clip["status"] for clip in clips] == ["failed", *["cancelled"] * 3]


def test_who_is_told_to_end_is_not_made_again(tmp_path: Path, small: Path) -> None:
    with engine(tmp_path) as running:
        clips = running.run(group("kill -TERM $$", alone(small)))
    assert told(clips, "status", "error") == [("killed", "signal 15 (SIGTERM)")] * 2


def test_killed_by_the_kernel_they_are_made_alone(
    tmp_path: Path, small: Path, real_ceiling: Callable[..., Ceiling]
) -> None:
    ceiling = real_ceiling(memory_bytes=64 * MIB)
    with engine(tmp_path, ceiling) as running:
        clips = running.run(group("exec tail /dev/zero", alone(small)))
    assert ceiling.usage().oom_kills == 1
    assert [clip["status"] for clip in clips] == ["ok", "ok"]


class TestStopped:
    @pytest.mark.parametrize("how", ["cancel", "timeout"])
    def test_nothing_is_left_of_any(self, tmp_path: Path, small: Path, how: str) -> None:
        script = f"{copied(small, 1, 2)}; touch {tmp_path}/begun; exec sleep 600"
        with engine(tmp_path) as running:
            running.order(timeout_s=1.5 if how == "timeout" else 60.0)
            tasks = [*group(script, alone(small)), chain(3, (alone(small),))]
            running.tell(*({"op": "task", **task.to_json()} for task in tasks), {"op": "end"})
            until((tmp_path / "begun").exists)
            if how == "cancel":
                running.tell({"op": "cancel"})
            clips = running.clips()
            assert not list(running.work.iterdir())
            assert not list(running.out.iterdir())
        assert [clip["status"] for clip in clips] == [
            "cancelled" if how == "cancel" else "timeout"
        ] * 3

    def test_one_whose_others_have_not_come_is_told_of(self, tmp_path: Path, small: Path) -> None:
        [first, _] = group(copied(small, 1, 2), alone(small))
        with engine(tmp_path) as running:
            running.order()
            running.tell({"op": "task", **first.to_json()})
            running.close_stdin()
            [clip] = running.clips()
        assert (clip["status"], clip["error"]) == ("cancelled", "not started")


def test_it_waits_until_there_is_room_for_all_of_it(tmp_path: Path, small: Path) -> None:
    log = tmp_path / "noted"
    first = sh(f"echo +1 >> {log}; sleep 0.5; echo -1 >> {log}; cp {small} {OUTPUT}")
    script = f"echo +2 >> {log}; {copied(small, 2, 3)}"
    tasks = [
        replace(chain(1, (first,)), predicted_bytes=30 * MIB),
        *(
            replace(task, predicted_bytes=30 * MIB)
            for task in group(script, alone(small), (2, 3), needs_bytes=80 * MIB)
        ),
    ]
    with engine(tmp_path) as running:
        clips = running.run(tasks, concurrency=3, memory_budget_bytes=100 * MIB)
    assert [clip["status"] for clip in clips] == ["ok"] * 3
    assert log.read_text().split() == ["+1", "-1", "+2"]
