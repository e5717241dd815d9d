"""What is printed on the host: short lines of plain letters, signed, and samples one a second."""

from __future__ import annotations

import json
import random
import string
import zlib
from typing import Any

import pytest

from clipkit.pack.there.parts import (
    MOST_LINE_BYTES,
    PART,
    Kind,
    Sender,
    found_part,
    joined_payload,
    printed_parts,
)
from clipkit.pack.there.thinning import Thinning

SENDER = Sender("0123456789ab", "89abcdef", bytes(range(32)))


def document(size: int, seed: int = 0) -> dict[str, Any]:
    """Of about so many bytes that do not compress."""
    chance = random.Random(seed)
    return {"noise": "".join(chance.choices(string.printable, k=size))}


@pytest.mark.parametrize("size", [0, 1, 3000, 3500, 40_000, 1_000_000])
def test_what_is_printed_can_be_put_together_again(size: int) -> None:
    told = document(size)
    lines = printed_parts(SENDER, Kind.ENDED, 17, told)
    parts = [found_part(PART.fullmatch(line)) for line in lines]  # type: ignore[arg-type]
    assert [part.number for part in parts if part] == list(range(1, len(lines) + 1))
    assert {(part.trial, part.of) for part in parts if part} == {(17, len(lines))}
    packed = joined_payload([part.body for part in parts if part])
    assert json.loads(zlib.decompress(packed)) == told


def test_no_line_is_longer_than_what_every_log_takes_and_json_escapes_nothing_in_it() -> None:
    lines = printed_parts(
        Sender("f" * 12, "f" * 8, bytes(32)), Kind.ENDED, 999_999, document(10**6)
    )
    assert len(lines) > 200
    assert max(map(len, lines)) + 1 <= MOST_LINE_BYTES
    assert all(json.dumps(json.dumps(line))[3:-3] == line for line in lines)


@pytest.mark.parametrize("seed", range(20))
def test_no_letter_of_a_part_can_be_altered_unseen(seed: int) -> None:
    chance = random.Random(seed)
    (line,) = printed_parts(SENDER, Kind.ENDED, 3, document(500, seed))
    for _ in range(50):
        at = chance.randrange(len(line))
        altered = line[:at] + chance.choice(string.ascii_lowercase + string.digits) + line[at + 1 :]
        match = PART.fullmatch(altered)
        part = match and found_part(match)
        assert altered == line or not part or not part.is_signed(SENDER.key)


def test_of_each_second_the_sample_that_needed_most_is_kept() -> None:
    thin = Thinning()
    for tenth in range(35):
        thin.add({"t_s": tenth / 10, "anon_bytes": 100 if tenth == 17 else 10, "shmem_bytes": None})
    assert thin.columns["t_s"] == [0.0, 1.0 + 0.7, 2.0, 3.0]
    assert thin.columns["anon_bytes"] == [10, 100, 10, 10]
    assert thin.columns["shmem_bytes"] == [None] * 4
