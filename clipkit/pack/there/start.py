"""How a pack starts: it unpacks itself beside its results and becomes what lies there. Stdlib only.

What starts as a script of its own cannot be run inside an archive, and a process that has unpacked a film holds
the memory that it took for that: so a fresh one takes its place, with the same number.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import lzma
import os
import shutil
import signal
import sys
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from clipkit import format as fmt
from clipkit.errors import Cancelled, ClipkitError, OutputError, UploadError
from clipkit.pack.there.asked import parse_asked
from clipkit.trial.holding import holding

MANIFEST = "plan.json"
UPLOADS = "uploads/"
XZ = ".xz"
_CHUNK = 1 << 20
_BEHIND_STREAMS = 3
"""The first number that is none of a stream's, be that closed or not."""
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
        take_alone(asked.results)
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` wants it
                signal.signal(number, _interrupt)
        folder = unpacked_beside(asked.results, Path(archive))
    except ClipkitError as error:
        sys.stderr.write(f"clipkit: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("clipkit: interrupted\n")
        return Cancelled.exit_code
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


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def take_alone(results: Path) -> None:
    """Hold the folder for as long as this process lives, also when another programme has taken its place. Raises
    OutputError."""
    try:
        results.mkdir(parents=True, exist_ok=True)
        with holding(results) as hold:
            fcntl.fcntl(hold.descriptor, fcntl.F_DUPFD, _BEHIND_STREAMS)
    except BlockingIOError:
        raise OutputError(
            f"a pack runs in {results} already: wait for it, or choose another folder with --results"
        ) from None
    except OSError as error:
        raise _refused(results, error) from None


def unpacked_beside(results: Path, archive: Path) -> Path:
    """A folder below `results` that holds what is in the archive, films uncompressed; nothing of it is left where
    that fails. Raises OutputError, UploadError."""
    try:
        with zipfile.ZipFile(archive) as pack:
            plan = json.loads(pack.read(MANIFEST))
            folder = results / f".pack-{plan['pack']}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            try:
                _check_room(pack, plan, folder)
                for member in pack.namelist():
                    _unpack(pack, member, folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
    except OSError as error:
        raise _refused(results, error) from None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, LookupError, ValueError):
        raise UploadError(f"{archive} is damaged: copy the pack anew") from None
    return folder


def _refused(results: Path, error: OSError) -> OutputError:
    told = error.strerror or error
    return OutputError(
        f"cannot unpack into {results}: {told}; choose another folder with --results"
    )


def _check_room(pack: zipfile.ZipFile, plan: Mapping[str, Any], folder: Path) -> None:
    """Before a film half fills the disk of whoever else is on this host. Raises OutputError."""
    packed = {upload["packed"]: upload["size_bytes"] for upload in plan["uploads"]}
    sizes = (packed.get(each.filename, each.file_size) for each in pack.infolist())
    needed_bytes, free_bytes = sum(sizes), shutil.disk_usage(folder).free
    if needed_bytes > free_bytes:
        raise OutputError(
            f"cannot unpack into {folder.parent}: that takes {fmt.size(needed_bytes)}, and "
            f"{fmt.size(free_bytes)} are free there; choose another folder with --results"
        )


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
