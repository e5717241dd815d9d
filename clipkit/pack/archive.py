"""The file that travels: a zip application of what is imported there, the plan, and films compressed."""

from __future__ import annotations

import contextlib
import json
import lzma
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from clipkit import format as fmt
from clipkit.errors import OutputError
from clipkit.format import MIB
from clipkit.media.upload import Upload
from clipkit.pack.kept import HOME, Packed
from clipkit.pack.there.planned import PLAN, PlannedUpload, cell_name
from clipkit.pack.there.start import UPLOADS, XZ
from clipkit.pack.travelling import travelling_modules

MOST_PACKED_BYTES = 50 * MIB
"""Of one film, compressed: a larger one is copied to the host by itself."""

_MAIN = """\
import sys

if sys.version_info < (3, 11):
    sys.exit("clipkit: this needs Python 3.11 or newer, and here is " + sys.version.split()[0])

from clipkit.pack.there.start import start_here

sys.exit(start_here(sys.argv[0], sys.argv[1:]))
"""
MAIN_OF_A_BLOCK = """\
import sys

if sys.version_info < (3, 11):
    sys.exit("clipkit: this needs Python 3.11 or newer, and here is " + sys.version.split()[0])

from clipkit.pack.there.start import start_block

sys.exit(start_block(sys.argv[0]))
"""
_SHEBANG = b"#!/usr/bin/env python3\n"
# The host takes as much memory to unpack it. Sample films repeat themselves within a few MB, others hardly do.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 8 * MIB}]
_CHUNK = MIB


@dataclass(frozen=True, slots=True)
class Film:
    """An upload of the pack; `packed`: a file that holds it compressed, None: it does not travel."""

    upload: Upload
    packed: Path | None

    @property
    def planned(self) -> PlannedUpload:
        upload = self.upload
        member = None if self.packed is None else film_name(upload.sha256)
        return PlannedUpload(upload.sha256, upload.name, upload.size_bytes, member)


def film_name(sha256: str) -> str:
    return f"{UPLOADS}{sha256}{XZ}"


@contextlib.contextmanager
def compressed_films(uploads: Sequence[Upload]) -> Iterator[list[Film]]:
    """Each film compressed, where that makes it small enough to travel; the files are gone behind the block.
    Raises OutputError."""
    with tempfile.TemporaryDirectory(prefix="clipkit-pack-") as folder:
        try:
            films = [Film(upload, _compressed(upload, Path(folder))) for upload in uploads]
        except OSError as error:
            raise OutputError(f"cannot compress into {folder}: {error.strerror}") from None
        yield films


def _compressed(upload: Upload, folder: Path) -> Path | None:
    """None where it stays too large: that is known long before its end."""
    path = folder / f"{upload.sha256}{XZ}"
    compressor = lzma.LZMACompressor(filters=_FILTERS)
    with upload.path.open("rb") as film, path.open("wb") as file:
        while chunk := film.read(_CHUNK):
            file.write(compressor.compress(chunk))
            if file.tell() > MOST_PACKED_BYTES:
                path.unlink()
                return None
        file.write(compressor.flush())
        return path if file.tell() <= MOST_PACKED_BYTES else None


def check_place(path: Path) -> None:
    """That a file can be written there, asked before what takes minutes. Raises OutputError."""
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"cannot write {path}: there is no folder {folder}, make it first")
    if path.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        why = "it is a folder" if path.is_dir() else f"nothing may be written into {folder}"
        raise OutputError(f"cannot write {path}: {why}, choose another file")


def write_archive(
    path: Path,
    packed: Packed,
    plan: Mapping[str, Any],
    cells: Mapping[int, Mapping[str, Any]],
    films: Sequence[Film],
) -> int:
    """Its size in bytes. Complete or not at all, for its owner alone: the key in it signs what comes home. Raises
    OutputError."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            os.fchmod(file.fileno(), 0o700)
            file.write(_SHEBANG)
            fill_archive(
                file, _MAIN, {PLAN: json.dumps(plan), HOME: packed.to_json()}, cells, films
            )
        unfinished.replace(path)
        return path.stat().st_size
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OutputError(f"cannot write {path}: {error.strerror}") from None


def fill_archive(
    file: BinaryIO,
    main: str,
    documents: Mapping[str, str],
    cells: Mapping[int, Mapping[str, Any]],
    films: Sequence[Film],
) -> None:
    """All that travels of clipkit, and beside that `main` with what it needs."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__main__.py", main)
        for place, module in travelling_modules().items():
            archive.write(module, place)
        for name, text in documents.items():
            archive.writestr(name, text)
        for number, work in cells.items():
            archive.writestr(cell_name(number), json.dumps(work))
        for film in films:
            if film.packed:
                archive.write(film.packed, film_name(film.upload.sha256), zipfile.ZIP_STORED)


def travel_words(film: Film) -> str:
    """How it comes to the host."""
    upload = film.upload
    if film.packed is None:
        return (
            f"{upload.name} stays behind: {fmt.size(upload.size_bytes)} are more than "
            f"{fmt.size(MOST_PACKED_BYTES)} compressed; copy it there, --upload PATH names it"
        )
    return f"{upload.name} travels in {fmt.size(film.packed.stat().st_size)}"
