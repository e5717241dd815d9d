"""What the picture of the settings tried says of the recommended ones, in each mode that may be recommended."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from clipkit.format import MIB
from clipkit.records.status import Status
from clipkit.report.charts.pareto_findings import best_words, tried_finding
from clipkit.report.charts.pareto_points import Point, settings_tried_points
from clipkit.settings import Settings
from clipkit.tuning.mode_rows import ModeRow
from clipkit.tuning.recommendation import Recommendation, Tried

FASTEST = Point(1, "ultrafast, concurrency 2", 7.1, 180 * MIB, Status.OK, 3)
BEST = Point(2, "ultrafast", 7.9, 64 * MIB, Status.OK, 3, recommended=True)
FAILED = Point(1, "ultrafast", None, 409 * MIB, Status.OOM, 1, recommended=True)


def way(mode: str, taken: dict[str, int], wall_s: float | None) -> ModeRow:
    return ModeRow(
        mode=mode,
        taken=taken,
        settings=asdict(Settings(mode=mode)),
        allowed=True,
        recommended=True,
        status="ok",
        error=None,
        wall_s=wall_s,
        wall_ci95_s=None,
        speedup=None,
        speedup_ci95=None,
        peak_need_bytes=70 * MIB,
        output_bytes=None,
        hidden_s=0.0,
        clips_run=12,
        pairs=3,
    )


ENCODING = way("encode", {"encode": 12}, 94.8)
SMART = way("auto", {"smart": 10, "encode": 2}, 48.0)
NOT_TIMED = way("auto", {"smart": 12}, None)

OF_ENCODING = "Recommended: 7.9 s a clip with 64 MB; the fastest: 7.1 s with 180 MB"


@pytest.mark.parametrize(
    ("points", "recommended", "star", "finding"),
    [
        # An old campaign knows no modes.
        ([FASTEST, BEST], None, "recommended", OF_ENCODING),
        ([FASTEST, BEST], ENCODING, "recommended", OF_ENCODING),
        ([BEST], None, "recommended", "Recommended: 7.9 s a clip with 64 MB; nothing measured was faster"),
        (
            [FASTEST, BEST],
            SMART,
            "best of re-encoding",
            "Recommended: mode auto (smart for 10 of 12 clips, encode for 2), 4 s a clip with 70 MB; "
            "the best of re-encoding: 7.9 s a clip with 64 MB",
        ),
        (
            [FAILED],
            SMART,
            "best of re-encoding",
            "Recommended: mode auto (smart for 10 of 12 clips, encode for 2), 4 s a clip with 70 MB",
        ),
        ([FAILED], NOT_TIMED, "best of re-encoding", "Recommended: mode auto (smart) with 70 MB"),
        ([FAILED], None, "recommended", "Nothing can be recommended here"),
        ([], ENCODING, "recommended", "Nothing can be recommended here"),
    ],
)  # fmt: skip
def test_it_tells_the_mode_that_is_recommended_apart_from_the_best_of_re_encoding(
    points: list[Point], recommended: ModeRow | None, star: str, finding: str
) -> None:
    assert best_words(recommended) == star
    assert tried_finding(points, recommended) == finding


def test_the_star_is_where_a_verdict_older_than_a_setting_says(
    runs, recommendation: Recommendation
) -> None:
    """What it tried has settings that its choice, of an older clipkit, does not name."""
    other, chosen = asdict(Settings()), asdict(Settings(concurrency=2))
    told = tuple(
        Tried(
            settings=each,
            status="ok",
            predicted_wall_s=90.0,
            peak_need_bytes=64 * MIB,
            runs=3,
            fits=True,
            tied=False,
        )
        for each in (other, chosen)
    )
    named = {name: level for name, level in chosen.items() if name != "nice"}
    of_modes = replace(ENCODING, settings=named)
    points = settings_tried_points(runs, replace(recommendation, tried=told, modes=(of_modes,)))
    assert [point.words for point in points if point.recommended] == ["concurrency 2"]
    assert len(points) == 2
