import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from clipkit.errors import Cancelled, ClipkitError, NotebookError
from clipkit.report.notebooks.measure import Asked, tuned_folder

ASKED = Asked(
    campaign="",
    video="sample",
    host="render-starter",
    memory="",
    cpus=0.0,
    reserve="0",
    budget_minutes=5.0,
    results="results",
)


@pytest.fixture
def clipkit_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a `clipkit` in the child's way that runs the given code instead of measuring."""

    def install(code: str) -> Path:
        package = tmp_path / "clipkit"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(textwrap.dedent(code), "utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return tmp_path

    return install


def test_a_finished_campaign_is_not_measured_again(tmp_path: Path):
    assert tuned_folder(replace(ASKED, campaign=str(tmp_path))) == tmp_path


def test_progress_is_passed_through_and_the_campaign_taken_from_the_answer(clipkit_says, capfd):
    clipkit_says("""
        import json, sys
        print("screening 1 of 3", file=sys.stderr)
        print(json.dumps({"campaign": "/somewhere/else", "filler": "x" * 200_000}))
        print("confirming", file=sys.stderr)
    """)
    assert tuned_folder(ASKED) == Path("/somewhere/else")
    assert capfd.readouterr().out == "screening 1 of 3\nconfirming\n"


def test_what_is_asked_becomes_flags(clipkit_says, tmp_path: Path):
    clipkit_says("""
        import json, sys
        print(json.dumps({"campaign": " ".join(sys.argv[1:])}))
    """)
    assert str(tuned_folder(ASKED)) == (
        "tune --json --no-report --host render-starter --reserve 0 --budget 5 --results results"
    )
    asked = replace(ASKED, memory="512M", cpus=2.0, video="-odd name.mp4")
    assert str(tuned_folder(asked)).endswith("--memory 512M --cpus 2 -- -odd name.mp4")


@pytest.mark.parametrize(
    ("code", "error"), [(1, ClipkitError), (2, NotebookError), (130, Cancelled)]
)
def test_a_measurement_that_fails_says_why(clipkit_says, code, error):
    clipkit_says(f"""
        import sys
        print("unknown host 'moon'", file=sys.stderr)
        sys.exit({code})
    """)
    with pytest.raises(error, match="unknown host 'moon'"):
        tuned_folder(ASKED)


WAITS_FOR_AN_INTERRUPT = """
    import os, pathlib, sys, time
    here = pathlib.Path(__file__).parent
    try:
        print("measuring", file=sys.stderr, flush=True)
        (here / "began").touch()
        time.sleep(60)
    except KeyboardInterrupt:
        (here / "stopped").touch()
        sys.exit(130)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_the_end_of_the_kernel_stops_the_measurement_orderly(clipkit_says, how):
    root = clipkit_says(WAITS_FOR_AN_INTERRUPT)
    code = (
        "import sys; sys.path.remove(sys.argv[1])\n"
        "from clipkit.report.notebooks.measure import Asked, tuned_folder\n"
        f"tuned_folder({ASKED!r})"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(root)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as kernel:
        wait_for(root / "clipkit" / "began")
        os.kill(kernel.pid, how)
        wait_for(root / "clipkit" / "stopped")
    assert kernel.returncode != 0


def wait_for(path: Path, timeout_s: float = 30.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not path.exists():
        assert time.monotonic() < deadline_s, f"{path.name} never came"
        time.sleep(0.02)
