"""What home keeps of a pack: readable by its owner alone, and once more in the pack."""

from __future__ import annotations

import dataclasses
import stat
import zipfile
from pathlib import Path

import pytest

from clipkit.errors import CampaignError, UsageError
from clipkit.pack.kept import HOME, Packed, PackedTrial, find_packed, keep_packed, packed_in

PACKED = Packed(
    pack="0123456789ab",
    key="5a" * 32,
    campaign="trying",
    host="render-starter",
    packed_utc="2026-11-26T18:00:00+00:00",
    clipkit_version="1.0",
    experiment="[run]\nblocks = 1\n",
    uploads={},
    trials=(PackedTrial("encode", 0, "mode encode"),),
)


def test_what_is_kept_is_found_by_its_name_and_nobody_else_may_read_its_key() -> None:
    assert find_packed(PACKED.pack) is None
    path = keep_packed(PACKED)
    assert find_packed(PACKED.pack) == PACKED
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert PACKED.key not in repr(PACKED)


def test_it_is_read_out_of_the_pack_itself(tmp_path: Path) -> None:
    path = tmp_path / "trying.pyz"
    with zipfile.ZipFile(path, "w") as pack:
        pack.writestr(HOME, PACKED.to_json())
    assert packed_in(path) == PACKED


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"#!/usr/bin/env python3\n"])
def test_what_is_no_pack_is_called_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.pyz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is no pack: make one with clipkit pack"):
        packed_in(path)


@pytest.mark.parametrize(
    ("altered", "why"),
    [
        ({"key": "5a"}, "its name or its key is none"),
        ({"key": "no hexadecimal digits"}, "non-hexadecimal"),
        ({"campaign": "../away"}, "cannot name a campaign"),
        ({"experiment": "[run"}, "Expected"),
    ],
)
def test_what_was_altered_is_refused_with_its_file(altered: dict[str, str], why: str) -> None:
    path = keep_packed(PACKED)
    path.write_text(dataclasses.replace(PACKED, **altered).to_json())  # type: ignore[arg-type]
    with pytest.raises(CampaignError, match=why) as refused:
        find_packed(PACKED.pack)
    assert str(path) in str(refused.value)
