"""What the charts of time against memory show, in words: of one host's tuning, or of a sweep's cells. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from clipkit import format
from clipkit.plan.auto import ENCODE
from clipkit.report.charts import style
from clipkit.report.charts.pareto_points import Front, Point
from clipkit.tuning.mode_rows import ModeRow

_NOTHING = "Nothing can be recommended here"


def best_words(way: ModeRow | None) -> str:
    """What the best of the settings tried is, all of which re-encode. `way`: the mode that is recommended; None: no
    other than re-encoding took part."""
    return "best of re-encoding" if _is_other(way) else style.RECOMMENDED


def tried_finding(points: Sequence[Point], way: ModeRow | None = None) -> str:
    """What the recommended settings take, be it in a mode that is not among the points, beside the fastest."""
    if way is None or not _is_other(way):
        return front_finding(points)
    clips = sum(way.taken.values())
    took = "" if way.wall_s is None else f", {format.seconds(way.wall_s / clips)} a clip"
    told = f"Recommended: {way.words}{took} with {format.size(way.peak_need_bytes)}"
    best = _best(points)
    if best is None:
        return told
    return f"{told}; the best of re-encoding: {_takes(best)}"


def front_finding(points: Sequence[Point]) -> str:
    """What the recommended settings take, beside the fastest, in words."""
    best = _best(points)
    if best is None:
        return _NOTHING
    told = f"Recommended: {_takes(best)}"
    fastest = next(point for point in points if point.s_per_clip)
    if fastest is best:
        return f"{told}; nothing measured was faster"
    other = f"{format.seconds(fastest.s_per_clip)} with {format.size(fastest.peak_need_bytes)}"
    return f"{told}; the fastest: {other}"


def fronts_finding(fronts: Sequence[Front]) -> str:
    """The same of several hosts and jobs."""
    if len(fronts) == 1:
        return front_finding(fronts[0].points)
    best = [point for front in fronts for point in front.points if point.recommended]
    sizes = sorted(point.peak_need_bytes for point in best if point.peak_need_bytes is not None)
    if not sizes:
        return _NOTHING
    span = " to ".join(dict.fromkeys(map(format.size, (sizes[0], sizes[-1]))))
    fastest = sum(point.number == 1 for point in best)
    faster = f"nothing measured was faster for {fastest} of {len(fronts)} hosts and jobs"
    return f"The recommended settings need {span}; {faster if fastest else 'others were faster'}"


def _best(points: Sequence[Point]) -> Point | None:
    return next((point for point in points if point.recommended and point.s_per_clip), None)


def _takes(point: Point) -> str:
    return f"{format.seconds(point.s_per_clip)} a clip with {format.size(point.peak_need_bytes)}"


def _is_other(way: ModeRow | None) -> bool:
    """Whether another mode than re-encoding is recommended."""
    return way is not None and way.settings["mode"] != ENCODE
