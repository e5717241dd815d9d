"""Describe an upload in a process of its own, whose `main` finds the path among its arguments.

Whoever starts it limits it (`trial.describing`): an upload may be made to exhaust or to break the
libraries that read it. One letter and what it stands for go to stdout: the facts, or why not.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from clipkit.errors import UploadError
from clipkit.media.crossing import EXHAUSTED, FACTS, REFUSED, packed
from clipkit.media.probe import probe_upload


def main(hashed: bool) -> None:
    """`hashed`: as in `probe_upload`."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no part of the answer
    answer = _answer(Path(sys.argv[1]), hashed)
    with open(answers, "wb") as stream:  # noqa: PTH123 (a descriptor)
        stream.write(answer)
    os._exit(0)  # a file's hash may still be being read: nobody wants it any more


def _answer(path: Path, hashed: bool) -> bytes:
    try:
        return FACTS + packed(probe_upload(path, hashed))
    except UploadError as error:
        return REFUSED + str(error).encode("utf-8", "surrogateescape")
    except MemoryError:
        return EXHAUSTED
    except Exception as error:  # noqa: BLE001 (whatever hostile bytes bring about is a refusal)
        told = (
            f"{path} cannot be described ({type(error).__name__}: {error}): upload or copy it again"
        )
        return REFUSED + told.encode("utf-8", "surrogateescape")
