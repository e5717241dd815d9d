"""Watching a sweep that runs in another process: a notebook's output that keeps up with it, or lines."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from IPython import get_ipython
from IPython.display import display

from clipkit import format as fmt
from clipkit.campaign import background
from clipkit.campaign.standing import Standing, read_standing
from clipkit.masked import escaped
from clipkit.records.campaign import open_campaign
from clipkit.records.folder import RUNS
from clipkit.report.exhibits.card import state_words
from clipkit.report.exhibits.glance import heat_map_at_a_glance

_REFRESH_S = 2.0
_LOOK_S = 0.05
_LAST_WORDS_S = 5.0


@dataclass(frozen=True, slots=True)
class View:
    """One moment of a campaign: words, how far it is, and the chart of what is there so far."""

    words: str
    now: str
    fraction: float
    chart: str = ""

    def _repr_html_(self) -> str:
        percent = f"{100 * self.fraction:.1f}%"
        bar = (
            '<div style="background:#d4d8de;height:6px;max-width:40em">'
            f'<div style="background:#0072B2;height:6px;width:{percent}"></div></div>'
        )
        lines = "".join(f"<p>{escaped(line)}</p>" for line in (self.words, self.now) if line)
        return f'<div class="clipkit-live">{bar}{lines}{self.chart}</div>'


def watch(folder: Path) -> None:
    """Show how the campaign stands until it ends; an interrupt ends the watching alone.

    In a notebook one output is updated in place; elsewhere a line is printed for each trial that
    ended. The chart is drawn anew only when a trial ended: drawing takes time from the machine that
    is being measured.
    """
    show = _notebook() or _Lines()
    charts = _Charts(folder)
    with _noting_interrupts() as interrupted:
        while background.is_held(folder) and not interrupted():
            show(view(folder, charts))
            _pause(folder, interrupted)
        goes_on = interrupted() and background.is_held(folder)
        if not goes_on:  # it has let go of the folder, and is about to say how it ended
            with contextlib.suppress(TimeoutError):
                background.wait(folder, _LAST_WORDS_S)
        seen = view(folder, charts)
        if goes_on:
            where = fmt.near(folder)
            seen = replace(
                seen,
                words="No longer watching. The campaign goes on.",
                now=f"attach({where!r}).watch() looks again, attach({where!r}).cancel() stops it.",
            )
        show(seen)


@contextlib.contextmanager
def _noting_interrupts() -> Iterator[Callable[[], bool]]:
    """Yields whether there was an interrupt: noted instead of raised.

    One that strikes while a chart is drawn may be raised where Python ignores exceptions (in a
    finalizer, in a weak reference's callback), and be lost.
    """
    struck: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # it gets no signals
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, lambda number, _frame: struck.append(number))
    try:
        yield lambda: bool(struck)
    finally:
        signal.signal(signal.SIGINT, before)


def _pause(folder: Path, interrupted: Callable[[], bool]) -> None:
    """Until the next look, an interrupt, or the campaign's end."""
    deadline_s = time.monotonic() + _REFRESH_S
    while time.monotonic() < deadline_s and background.is_held(folder) and not interrupted():
        time.sleep(_LOOK_S)


def view(folder: Path, charts: Callable[[Standing], str]) -> View:
    """The campaign at this moment. Raises CampaignError where it has not said how it stands."""
    now = read_standing(folder)
    doing = ", ".join(part for part in (now.now, now.clip) if part)
    if now.state == "running" and not background.is_held(folder):
        doing = state_words(now.state, is_held=False)
    return View(
        words=now.words,
        now=now.error or doing,
        fraction=now.done / now.total if now.total else 0.0,
        chart=charts(now),
    )


@dataclass(slots=True)
class _Charts:
    """The heat map of what is there so far, kept until there is more."""

    folder: Path
    _of: int = -1
    _markup: str = ""

    def __call__(self, now: Standing) -> str:
        if now.ok and now.done != self._of and (self.folder / RUNS).exists():
            self._of, self._markup = now.done, _heat_map(self.folder)
        return self._markup


@dataclass(slots=True)
class _Lines:
    """Prints what is new."""

    _said: str = field(default="")

    def __call__(self, seen: View) -> None:
        if seen.words != self._said:
            print(seen.words if not seen.now else f"{seen.words} | {seen.now}")  # noqa: T201
            self._said = seen.words


def _notebook() -> Callable[[View], None] | None:
    """One output of the running cell, updated in place; None outside a notebook."""
    shell: Any = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    shown = display(View("", "", 0.0), display_id=True)  # type: ignore[no-untyped-call]
    update: Callable[[View], None] = shown.update
    return update


def _heat_map(folder: Path) -> str:
    drawn = heat_map_at_a_glance(open_campaign(folder))
    return "" if drawn is None else drawn._repr_html_()
