"""The table of choices: which stands first, and what it says of what is not known."""

from __future__ import annotations

from dataclasses import replace

from clipkit.analysis.statistics import Estimate
from clipkit.media.picture import Picture, PictureCheck
from clipkit.media.quality import Quality
from clipkit.records.status import Status
from clipkit.tuning.quality_answer import (
    ChoiceTime,
    QualityChoice,
    QualityChoices,
    ordered_choices,
)

QUALITY = Quality(90.0, 85.0, 87.0, frames=250, model="vmaf_v0.6.1", libvmaf="3.0.0")
TODAY = Picture(1_100_000, 1_000_000, QUALITY)


def timed(speedup: float) -> ChoiceTime:
    ratio = Estimate(speedup, speedup / 1.1, speedup * 1.1, 3)
    return ChoiceTime(4.0, 4.0 * speedup, ratio, 3, Status.OK, None)


def choice(preset: str, cpu_ratio: float, time: ChoiceTime | None = None) -> QualityChoice:
    better = Picture(2_100_000, 2_000_000, replace(QUALITY, mean=91.25))
    return QualityChoice(preset, 26, "vmaf", PictureCheck(better, TODAY), cpu_ratio, time)


FAILED = ChoiceTime(None, None, None, 0, Status.OOM, "the kernel killed a process")

NO_RIVAL = ChoiceTime(4.0, None, None, 0, Status.OK, "nothing to compare with: today's failed")


def test_the_fastest_on_the_host_stands_first_and_what_failed_there_last() -> None:
    found = [
        choice("medium", 0.1, FAILED),
        choice("faster", 0.9),
        choice("superfast", 0.3, timed(1.4)),
        choice("veryfast", 0.8, NO_RIVAL),
        choice("ultrafast", 0.5, timed(1.9)),
    ]
    names = [entry.preset for entry in ordered_choices(found)]
    assert names == ["ultrafast", "superfast", "veryfast", "faster", "medium"]


def test_each_row_tells_its_bytes_and_its_vmaf_beside_todays() -> None:
    found = (choice("ultrafast", 0.49, timed(2.5)), choice("medium", 1.9, FAILED))
    lines = QualityChoices(TODAY, found, ()).table.lines()
    assert lines[1].split() == ["today's", "1.00x", "1.00x", "1.00x", "90.0"]
    words = "ultrafast 26 equal VMAF 2.5x (95 %: 2.3 to 2.8) 0.49x 2.0x 91.2"
    assert " ".join(lines[2].split()) == words
    assert "ran out of memory" in lines[3]
    alone = QualityChoices(TODAY, (choice("ultrafast", 0.49, NO_RIVAL),), ())
    assert alone.table.rows[1][3] == "nothing to compare with: today's failed"


def test_what_is_not_known_is_said() -> None:
    unscored = Picture(1_100_000, 1_000_000, None, "a still picture")
    answer = QualityChoices(unscored, (choice("ultrafast", 0.5),), ("faster", "medium"))
    assert answer.notes == (
        "VMAF was not scored (a still picture): choices are by bytes alone",
        "without a speed: not timed on the host, no time was left",
        "not searched, no time was left: faster, medium",
    )
    assert answer.table.rows[0][-1] == "unknown"
    assert answer.table.rows[1][3] == "–"


def test_where_nothing_was_found_it_says_so() -> None:
    (said,) = QualityChoices(TODAY, (), ()).notes
    assert "today's stands alone" in said


def test_json_has_everything_of_a_choice() -> None:
    (told,) = QualityChoices(TODAY, (choice("ultrafast", 0.5, timed(2.0)),), ()).to_json()[
        "choices"
    ]
    assert (told["preset"], told["crf"], told["by"], told["same"]) == (
        "ultrafast",
        26,
        "vmaf",
        False,
    )
    assert (told["video_bytes_ratio"], told["vmaf_difference"]) == (2.0, 1.25)
    assert told["time"]["speedup"] == 2.0
    assert told["time"]["pairs"] == 3
