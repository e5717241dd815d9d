"""Errors that are the user's to read come without a traceback, in a notebook too."""

from __future__ import annotations

import subprocess
import sys

from clipkit import errors


def in_ipython(code: str) -> str:
    argv = [sys.executable, "-m", "IPython", "--colors=nocolor", "--no-banner", "-c", code]
    return subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60).stdout


def test_a_notebook_shows_the_message_alone() -> None:
    shown = in_ipython("from clipkit import probe; probe('/nowhere/none.mp4')")
    assert "UploadError: " in shown
    assert "/nowhere/none.mp4" in shown
    assert "Traceback" not in shown


def test_the_tree_that_the_module_opens_with_is_the_real_one() -> None:
    named = [word for word in (errors.__doc__ or "").split() if word.endswith("Error")]
    real = [name for name in vars(errors) if name.endswith("Error")]
    assert sorted(named) == sorted(real)
