"""Choose one of several things in a notebook. What was chosen beforehand shows where nobody chooses:
under papermill, on a page, in a notebook that is only looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
from IPython.display import display

from clipkit.errors import ClipkitError
from clipkit.report.exhibits.exhibit import Section
from clipkit.report.exhibits.prose import prose

_WIDGET = "application/vnd.jupyter.widget-view+json"


def pick(
    choices: Sequence[tuple[str, str]], chosen: str, show: Callable[[str], object], word: str
) -> None:
    """Show `show(chosen)`, and above it a drop-down list of `choices`: label and what `show` takes.

    `word` says what is chosen. Choosing replaces what is shown, in place.
    """
    box = ipywidgets.Dropdown(
        options=list(choices),
        value=chosen,
        description=word,
        layout=ipywidgets.Layout(width="min(100%, 60em)"),
    )
    # An output of its own, empty where there are no widgets: what is shown is no part of it.
    bundle = {_WIDGET: box._repr_mimebundle_()[_WIDGET], "text/html": "", "text/plain": ""}
    display(bundle, raw=True)  # type: ignore[no-untyped-call]
    shown = display(show(chosen), display_id=True)  # type: ignore[no-untyped-call]

    def change(event: Any) -> None:
        try:
            shown.update(show(event["new"]))
        except ClipkitError as error:
            shown.update(Section(f"<p>{prose(str(error))}</p>"))

    box.observe(change, names="value")
