"""How a pack starts: it unpacks itself beside its results and becomes what lies there. Stdlib only.

What starts as a script of its own cannot be run inside an archive, and a process that has unpacked a film holds
the memory that it took for that: so a fresh one takes its place, with the same number.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import shutil
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from clipkit.errors import ClipkitError, OutputError, UploadError
from clipkit.pack.there.asked import parse_asked

MANIFEST = "plan.json"
UPLOADS = "uploads/"
XZ = ".xz"
_CHUNK = 1 << 20
_CODE = (
    "import sys; sys.path.insert(0, {folder!r}); "
    "from clipkit.pack.there.{module} import {function}; {function}({folder!r})"
)


def start_here(archive: str, words: Sequence[str]) -> int:
    """Becomes `main`; comes back only with the code of what went wrong."""
    try:
        asked = parse_asked(
            words, Path(archive).name, "measure on this host what was packed at home"
        )
        folder = unpacked_beside(asked.results, Path(archive))
    except ClipkitError as error:
        sys.stderr.write(f"clipkit: {error}\n")
        return error.exit_code
    sys.stdout.flush()
    code = _CODE.format(folder=str(folder), module="main", function="main")
    os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", code, archive, *words])  # noqa: S606
    return 1


def start_block(archive: str) -> int:
    """Becomes `run_block`, as `start_here` does: here, where whoever started it has made room. It finds the packages
    that are installed, since an ffmpeg may be among them."""
    try:
        folder = unpacked_beside(Path.cwd() / "block", Path(archive))
    except ClipkitError as error:
        sys.stderr.write(f"clipkit: {error}\n")
        return error.exit_code
    code = _CODE.format(folder=str(folder), module="block", function="run_block")
    os.execv(sys.executable, [sys.executable, "-I", "-c", code, archive])  # noqa: S606
    return 1


def unpacked_beside(results: Path, archive: Path) -> Path:
    """A folder below `results` that holds what is in the archive, films uncompressed. Raises OutputError,
    UploadError."""
    try:
        with zipfile.ZipFile(archive) as pack:
            name = json.loads(pack.read(MANIFEST))["pack"]
            folder = results / f".pack-{name}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for member in pack.namelist():
                _unpack(pack, member, folder)
    except OSError as error:
        told = error.strerror or error
        raise OutputError(
            f"cannot unpack into {results}: {told}; choose another folder with --results"
        ) from None
    return folder


def _unpack(pack: zipfile.ZipFile, member: str, folder: Path) -> None:
    path = folder / member
    path.parent.mkdir(parents=True, exist_ok=True)
    if not member.startswith(UPLOADS):
        path.write_bytes(pack.read(member))
        return
    target, digest = path.with_name(path.name.removesuffix(XZ)), hashlib.sha256()
    with pack.open(member) as packed, lzma.open(packed) as film, target.open("wb") as file:
        while chunk := film.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != target.name:
        raise UploadError(f"{member} in the pack is damaged: copy the pack anew")
