from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from clipkit.report.notebooks import execute as notebook
from clipkit.report.pages import page

PICK = """
from IPython.display import HTML
from clipkit.errors import CampaignError
from clipkit.report.notebooks.picker import pick

def show(name):
    if name == "c":
        raise CampaignError("no log of <c>")
    return HTML(f"<b>shown: {name}</b>")

pick([("the A", "a"), ("the B", "b"), ("the C", "c")], "a", show, "letter")
"""
CHOOSE = """
from ipywidgets.widgets.widget import _instances
(box,) = [one for one in _instances.values() if type(one).__name__ == "Dropdown"]
box.value = {!r}
"""


@pytest.fixture
def executed(tmp_path: Path) -> Any:
    """executed("b"): the outputs after choosing, and the page made of them."""

    def execute(chosen: str | None) -> tuple[list[Any], str]:
        cells = [PICK] if chosen is None else [PICK, CHOOSE.format(chosen)]
        document = new_notebook(cells=[new_code_cell(source) for source in cells])
        document.metadata.kernelspec = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        nbformat.write(document, tmp_path / "in.ipynb")
        output = notebook.execute_notebook(str(tmp_path / "in.ipynb"), {}, tmp_path / "out.ipynb")
        outputs = [o for cell in nbformat.read(output, 4).cells for o in cell.outputs]
        return outputs, page.notebook_body(output)

    return execute


def test_without_a_frontend_what_was_chosen_beforehand_shows_and_nothing_complains(executed: Any):
    outputs, body = executed(None)
    assert [output.output_type for output in outputs] == ["display_data", "display_data"]
    assert outputs[1].data["text/html"] == "<b>shown: a</b>"
    assert "<b>shown: a</b>" in body
    assert "widget" not in body
    assert "Dropdown" not in body


def test_choosing_replaces_what_is_shown(executed: Any):
    outputs, _ = executed("b")
    assert outputs[1].data["text/html"] == "<b>shown: b</b>"
    assert len(outputs) == 2


def test_what_cannot_be_shown_says_why(executed: Any):
    outputs, _ = executed("c")
    assert outputs[1].data["text/html"] == "<p>no log of &lt;c&gt;</p>"
