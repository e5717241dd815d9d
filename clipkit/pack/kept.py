"""What home keeps of a pack, so that what comes back can be believed and named: its key, and its plan.

It lies in the user's own data folder, readable by nobody else (the key signs what the host prints), and once
more in the pack itself: where that was made on another machine, `unpack --pack FILE.pyz` reads it there.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipkit import files
from clipkit.documents import misfit, parse_json, parse_toml
from clipkit.errors import CampaignError, ClipkitError, OutputError, UsageError
from clipkit.pack.there.parts import KEY_BYTES
from clipkit.pack.there.planned import Promise
from clipkit.records.checks import check_uploads
from clipkit.records.store import campaign_named

HOME = "home.json"
"""Its name in the pack."""
_MOST_BYTES = 1 << 26
_LONGEST_NAME = 94
"""So that with what is put behind it a campaign can still be called so."""
_PACK = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class PackedTrial:
    """One trial of the plan: what its record must say, and its cell in words."""

    cell: str
    block: int
    words: str


@dataclass(frozen=True, slots=True)
class Promised:
    """What the pack is to answer. `cells`: of its plan, by their numbers, in which the promise speaks of them."""

    promise: Promise
    cells: tuple[str, ...]

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Promised:
        return cls(Promise.from_json(told["promise"]), tuple(told["cells"]))


@dataclass(frozen=True, slots=True)
class Packed:
    """`pack` is its name (12 hexadecimal digits), `key` signs, in hexadecimal digits; `trials` in the order
    in which they run, numbered from 1. `experiment` and `uploads` are what the campaign's folder holds of
    them; `shard`: of the experiment's blocks only these. `promised`: None also where an older clipkit made it."""

    pack: str
    key: str = field(repr=False)
    campaign: str
    host: str
    packed_utc: str
    clipkit_version: str
    experiment: str
    uploads: dict[str, Any]
    trials: tuple[PackedTrial, ...]
    shard: str | None = None
    promised: Promised | None = None

    @property
    def key_bytes(self) -> bytes:
        return bytes.fromhex(self.key)

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"


def name_there(name: str) -> str:
    """What a campaign of that name is called where it is measured on the host itself: what the same experiment measured
    at home lies beside it, and unlike runs are not mixed."""
    return f"{name[:_LONGEST_NAME]}-there"


def data_root() -> Path:
    """`$CLIPKIT_DATA`, `$XDG_DATA_HOME/clipkit` or `~/.local/share/clipkit`: what cannot be made again."""
    if chosen := os.environ.get("CLIPKIT_DATA"):
        return Path(chosen).absolute()
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share").absolute() / "clipkit"


def keep_packed(packed: Packed) -> Path:
    """Write it where `find_packed` looks. Raises OutputError."""
    path = _folder() / f"{packed.pack}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        before = os.umask(0o077)
        try:
            return files.write_file(path.parent, path.name, packed.to_json().encode())
        finally:
            os.umask(before)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror}; set CLIPKIT_DATA to a folder with room"
        ) from None


def find_packed(pack: str) -> Packed | None:
    """The pack of that name that was made here; None where none was. Raises CampaignError for a file that
    cannot be one."""
    name = f"{pack}.json"
    if not _PACK.fullmatch(pack) or not files.has_entry(_folder(), name):
        return None
    try:
        return _packed(files.read_file(_folder(), name, _MOST_BYTES))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise CampaignError(f"{_folder() / name} cannot be read: {why}") from None


def packed_in(path: Path) -> Packed:
    """What a pack holds of itself. Nothing in it is run. Raises UsageError for what is no pack."""
    try:
        with zipfile.ZipFile(path) as pack:
            content = pack.open(HOME).read(_MOST_BYTES + 1)
        return _packed(content)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (KeyError, ValueError, NotImplementedError, RuntimeError, EOFError, zipfile.BadZipFile):
        raise UsageError(f"{path} is no pack: make one with clipkit pack") from None


def _folder() -> Path:
    return data_root() / "packs"


def _packed(content: bytes) -> Packed:
    """Raises ValueError, in words."""
    if len(content) > _MOST_BYTES:
        raise ValueError("it is larger than any that clipkit writes")
    document = parse_json(content)
    if told := misfit(document, Packed):
        raise ValueError(told)
    trials = tuple(PackedTrial(**each) for each in document["trials"])
    promised = document.get("promised") and Promised.from_json(document["promised"])
    packed = Packed(**document | {"trials": trials, "promised": promised})
    if not _PACK.fullmatch(packed.pack) or len(packed.key_bytes) != KEY_BYTES:
        raise ValueError("its name or its key is none")
    if promised and not _is_of_its_cells(packed, promised):
        raise ValueError("its promise is of other cells than its own")
    parse_toml(packed.experiment)
    try:
        campaign_named(packed.campaign)
        check_uploads(packed.uploads)
    except ClipkitError as error:
        raise ValueError(str(error)) from None
    return packed


def _is_of_its_cells(packed: Packed, promised: Promised) -> bool:
    numbers = (*promised.promise.rival, *promised.promise.own)
    known = {trial.cell for trial in packed.trials} <= {*promised.cells}
    return known and all(0 <= number < len(promised.cells) for number in numbers)
