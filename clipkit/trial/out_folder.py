"""The folder that a cut is for: one cut at a time has it, and only what cuts write is touched in it.

Others may write into it too, so no name in it is believed: what is unfinished has a name that nobody can
guess, no link is followed, and a finished file gets its own name only where nothing has it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipkit.engine.placing import put_in_place
from clipkit.errors import OutputError
from clipkit.trial.holding import Hold, holding
from clipkit.trial.inside import WORK_PREFIX, made_folder
from clipkit.trial.interrupts import uninterrupted

MANIFEST = "manifest.json"
_CLIP = re.compile(r"clip-\d{3,}\.(?:mp4|jpg)")
_ASIDE = f"{WORK_PREFIX}aside-"
_NEW = "new"
"""Stands aside with the old ones: the names that new ones are given and no old one has."""
_KEYS = {"upload", "settings", "clips"}
_LARGEST_MANIFEST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Claim:
    """`old`: what another cut has left, its manifest first. It stays until the new clips are finished, which
    therefore wait in `target`; where there is none, that is the folder itself."""

    folder: Path
    hold: Hold
    old: Sequence[str]
    target: Path

    def settle(self, manifest: dict[str, Any]) -> None:
        """The finished clips in the place of the old ones, and the manifest beside them: all of it, or nothing,
        and an interrupt comes behind it.

        It is the first to go and the last to come, so that none ever tells of clips that are not there.
        Raises OutputError.
        """
        told = json.dumps(manifest, indent=1) + "\n"
        try:
            with uninterrupted():
                if self.old:
                    self._replace(told)
                else:
                    self._write(told)
        except OSError as error:
            raise OutputError(f"cannot write into {self.folder}: {error.strerror}") from None

    def _replace(self, told: str) -> None:
        """The old ones wait aside until the new ones are there, and come back where these cannot be."""
        aside = self.folder / _private_name(_ASIDE)
        aside.mkdir()
        gone, placed = [], []
        try:
            for name in self.old:
                (self.folder / name).rename(aside / name)
                gone.append(name)
                if name == MANIFEST:  # before any clip that it tells of goes
                    self._sync()
            new = sorted(each.name for each in self.target.glob("clip-*"))
            self._note_new(aside, new)
            self._sync()  # before any new one has its place
            for name in new:
                put_in_place(self.target / name, self.folder / name)
                placed.append(name)
            self._write(told)
        except BaseException:
            for name in placed:
                os.unlink(name, dir_fd=self.hold.descriptor)
            for name in reversed(gone):
                put_in_place(aside / name, self.folder / name)
            shutil.rmtree(aside, ignore_errors=True)
            raise
        shutil.rmtree(aside, ignore_errors=True)

    def _note_new(self, aside: Path, names: Sequence[str]) -> None:
        """Those that replace no old one: these come back in their places."""
        with (aside / _NEW).open("w", encoding="ascii") as file:
            file.write("\n".join(name for name in names if name not in self.old))
            file.flush()
            os.fsync(file.fileno())

    def settled(self, word: str) -> str:
        """A word that may name a finished clip where it waits, with the place that it will have."""
        return word.replace(f"{self.target}/", f"{self.folder}/")

    def _write(self, text: str) -> None:
        unfinished, descriptor = _private_name(), self.hold.descriptor
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            with os.fdopen(os.open(unfinished, flags, 0o666, dir_fd=descriptor), "wb") as file:
                file.write(text.encode("ascii"))
                file.flush()
                os.fsync(file.fileno())
            put_in_place(self.folder / unfinished, self.folder / MANIFEST)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(unfinished, dir_fd=descriptor)
        self._sync()

    def _sync(self) -> None:
        with contextlib.suppress(OSError):  # not every disk does that for a folder
            os.fsync(self.hold.descriptor)


@contextlib.contextmanager
def claimed(folder: Path, upload: Path, overwrite: bool) -> Iterator[Claim]:
    """The folder for one cut of `upload`, made where there is none; it is gone again if it holds nothing in
    the end. Whatever a killed cut left unfinished in it is removed.

    Raises OutputError where it cannot be written, another cut is at work in it, it holds what would have
    to be replaced and that is not to be (`overwrite`), or that is the upload or is no cut's.
    """
    # In this order: it is removed while it is still held.
    with contextlib.ExitStack() as stack, made_folder(folder) as made:
        try:
            hold = _held_alone(folder, stack, made)
            if hold.alone:
                _sweep(hold.descriptor)
            old = _of_a_cut(folder, hold.descriptor, upload)
        except OSError as error:
            raise OutputError(f"cannot write into {folder}: {error.strerror}") from None
        if old and not overwrite:
            raise OutputError(
                f"{folder} holds {_named(old)} of another cut: choose another --out, or replace what "
                "that cut wrote with --overwrite"
            )
        target = folder / _private_name() if old else folder
        try:
            yield Claim(folder, hold, old, target)
        finally:
            if old:
                shutil.rmtree(target, ignore_errors=True)


def _held_alone(folder: Path, stack: contextlib.ExitStack, made: list[Path]) -> Hold:
    """Until the stack ends. Raises OutputError where another cut has it: then nothing of it is `made` here
    any more, since it may be empty yet."""
    while True:
        try:
            with contextlib.suppress(FileNotFoundError):  # whoever made it has just removed it
                hold = stack.enter_context(holding(folder))
                if _is_there(folder, hold.descriptor):
                    return hold
        except BlockingIOError:
            made.clear()
            raise OutputError(
                f"another clipkit is cutting into {folder}: wait for it, or choose another --out"
            ) from None
        folder.mkdir(parents=True, exist_ok=True)


def _is_there(folder: Path, descriptor: int) -> bool:
    with contextlib.suppress(OSError):
        return os.path.samestat(folder.stat(), os.fstat(descriptor))
    return False


def _sweep(descriptor: int) -> None:
    """Who holds the folder finds only unfinished files whose cut is dead. One that was killed while it replaced an
    earlier cut's files, before all was there, has left these aside: they come back."""
    names = os.listdir(descriptor)
    if MANIFEST not in names:
        for name in names:
            if name.startswith(_ASIDE):
                _put_back(name, descriptor)
    for name in names:
        if name.startswith(WORK_PREFIX):
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=descriptor)
            shutil.rmtree(name, ignore_errors=True, dir_fd=descriptor)


def _put_back(aside: str, descriptor: int) -> None:
    """And the new ones that had their places already are gone again."""
    with contextlib.suppress(OSError):  # it is no folder
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        place = os.open(aside, flags, dir_fd=descriptor)
        try:
            old = [each for each in os.listdir(place) if _is_of_a_cut(each)]  # noqa: PTH208 (a descriptor)
            for name in _new_names(place):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=descriptor)
            # The manifest last: it tells of no clip that is not there.
            for name in sorted(old, key=lambda each: each == MANIFEST):
                os.rename(name, name, src_dir_fd=place, dst_dir_fd=descriptor)
        finally:
            os.close(place)


def _new_names(place: int) -> list[str]:
    """None where the cut was killed before any of them had its place."""
    try:
        told = os.open(_NEW, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=place)
    except FileNotFoundError:
        return []
    with os.fdopen(told, encoding="ascii", errors="replace") as file:
        return [name for name in file.read().split("\n") if _CLIP.fullmatch(name)]


def _is_of_a_cut(name: str) -> bool:
    return name == MANIFEST or _CLIP.fullmatch(name) is not None


def _of_a_cut(folder: Path, descriptor: int, upload: Path) -> list[str]:
    """The names that cuts use and that are taken, the manifest first.

    Raises OutputError where one is the upload, or is nothing that a cut wrote.
    """
    names = os.listdir(descriptor)
    taken = [MANIFEST] * (MANIFEST in names) + sorted(filter(_CLIP.fullmatch, names))
    for name in taken:
        path = folder / name
        if _is_same_file(path, upload):
            raise OutputError(f"{path} is the upload itself: choose another --out")
        found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode) or (name == MANIFEST and not _is_ours(descriptor)):
            raise OutputError(f"{path} was written by no cut: choose another --out")
    return taken


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # a link to nowhere
        return False


def _is_ours(descriptor: int) -> bool:
    """Whether the manifest is one that a cut wrote."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        with os.fdopen(os.open(MANIFEST, flags, dir_fd=descriptor), "rb") as file:
            found = json.loads(file.read(_LARGEST_MANIFEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.keys() >= _KEYS


def _named(old: Sequence[str]) -> str:
    clips = [name for name in old if name != MANIFEST]
    first = (clips or old)[0]
    return f"{first} and {len(old) - 1} more" if len(old) > 1 else first


def _private_name(prefix: str = WORK_PREFIX) -> str:
    return f"{prefix}{secrets.token_hex(8)}"
