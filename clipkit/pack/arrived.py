"""What logs brought home of known packs: whole payloads, and what was refused, in words. Pure.

Nothing of a part is believed before its signature fits, and nothing is taken out of its compressed form beyond
what a trial can need: whoever has the pack could sign a payload that fills the memory of who reads it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from clipkit import format as fmt
from clipkit.documents import misfit, parse_json
from clipkit.pack.kept import Packed
from clipkit.pack.logs import Seen, parts_of_log
from clipkit.pack.there.parts import Kind, Part, joined_payload, payload_digest

MOST_PAYLOAD_BYTES = 32 * fmt.MIB
"""Of one trial, unpacked: a thousand clips and the samples of a day come to less."""
_MOST_PARTS = 8192
"""Of one payload: more than that many bytes cannot be compressed to, as records are."""
_SHOWN_LETTERS = 40


@dataclass(frozen=True, slots=True)
class Payload:
    """One that came home whole and is signed. `where` its first part was found."""

    kind: Kind
    pack: str
    life: str
    trial: int
    document: Mapping[str, Any]
    where: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was not taken, where it was found, and why, in words. `trial`: which it says it is of, in which `life`."""

    where: str
    why: str
    pack: str | None = None
    trial: int | None = None
    life: str | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


@dataclass(slots=True)
class _Gathered:
    """The parts of one payload so far: number -> its letters."""

    where: str
    bodies: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Arrivals:
    """Takes logs, one after the other, and puts together what they hold of packs that `find` knows by their
    names: these are `packs` then, the others `foreign`."""

    find: Callable[[str], Packed | None]
    packs: dict[str, Packed] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    _refused: list[Refusal] = field(default_factory=list)
    _torn: list[tuple[str, Seen]] = field(default_factory=list)
    _heads: set[str] = field(default_factory=set)
    _gathered: dict[tuple[Kind, str, str, int, int, str], _Gathered] = field(default_factory=dict)

    def read_log(self, lines: Iterable[bytes], name: str) -> None:
        """`name`: what the log is called where something in it is refused."""
        for seen in parts_of_log(lines, self._is_signed):
            self._take(seen, f"{name}, line {seen.line}")

    def payloads(self) -> tuple[list[Payload], list[Refusal]]:
        """Those that are whole, each once, and all that was refused so far."""
        found, refused = [], [*self._refused, *self._cut()]
        for key, gathered in self._gathered.items():
            kind, pack, life, trial, of, digest = key
            try:
                document = _unpacked(_joined(gathered.bodies, of), digest)
            except ValueError as error:
                why = f"{_what(kind, trial)}: {error}"
                refused.append(Refusal(gathered.where, why, pack, trial, life))
            else:
                found.append(Payload(kind, pack, life, trial, document, gathered.where))
        return found, refused

    def _cut(self) -> Iterator[Refusal]:
        """What is not whole, and did not come a second time either."""
        for where, seen in self._torn:
            if seen.head not in self._heads:
                shown = seen.text[:_SHOWN_LETTERS]
                pack, life, trial = seen.of or (None, None, None)
                why = f"a part that is cut off or altered ({shown}…)"
                yield Refusal(where, why, pack, trial, life)

    def _is_signed(self, part: Part) -> bool:
        """Of a pack that is not known nothing can be said, which is told when it is taken."""
        packed = self._packed(part.pack)
        return packed is None or part.is_signed(packed.key_bytes)

    def _packed(self, name: str) -> Packed | None:
        if name not in self.packs and name not in self.foreign:
            if (packed := self.find(name)) is None:
                self.foreign.add(name)
            else:
                self.packs[name] = packed
        return self.packs.get(name)

    def _take(self, seen: Seen, where: str) -> None:
        part = seen.part
        if part is None:
            self._torn.append((where, seen))
        elif self._packed(part.pack) is None:
            return
        elif not self._is_signed(part):
            why = (
                f"part {part.number} of {part.of} of {_what(part.kind, part.trial)}: its signature does not "
                "fit, so it was altered on its way or does not come from that pack"
            )
            self._refused.append(Refusal(where, why, part.pack, part.trial, part.life))
        elif part.of > _MOST_PARTS:
            why = f"{_what(part.kind, part.trial)} has {part.of} parts, more than any trial's"
            self._refused.append(Refusal(where, why, part.pack, part.trial, part.life))
        else:
            gathered = self._gathered.setdefault(part.payload, _Gathered(where))
            gathered.bodies[part.number] = part.body
            self._heads.add(part.head)


def _joined(bodies: Mapping[int, str], of: int) -> bytes:
    """What that many parts hold. Raises ValueError where some are missing, naming them."""
    if missing := [number for number in range(1, of + 1) if number not in bodies]:
        raise ValueError(f"{_parts_words(missing)} of {of} did not come home")
    return joined_payload([bodies[number] for number in range(1, of + 1)])


def _unpacked(packed: bytes, digest: str) -> Mapping[str, Any]:
    """The object in it. Raises ValueError, in words."""
    if payload_digest(packed) != digest:
        raise ValueError("its parts do not fit together")
    unzip = zlib.decompressobj()
    try:
        text = unzip.decompress(packed, MOST_PAYLOAD_BYTES + 1)
    except zlib.error as error:
        raise ValueError(f"it cannot be expanded ({error})") from None
    if len(text) > MOST_PAYLOAD_BYTES:
        raise ValueError(f"it expands to more than {fmt.size(MOST_PAYLOAD_BYTES)}")
    if not unzip.eof:
        raise ValueError("it ends too early")
    document = parse_json(text)
    if told := misfit(document, dict):
        raise ValueError(told)
    found: Mapping[str, Any] = document
    return found


def _parts_words(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"part {numbers[0]}"
    shown = ", ".join(map(str, numbers[:8]))
    return f"parts {shown}{' and more' if len(numbers) > 8 else ''}"


def _what(kind: Kind, trial: int) -> str:
    words = {
        Kind.WHERE: "what a start told of the host",
        Kind.BEGAN: f"the beginning of trial {trial}",
        Kind.ENDED: f"the end of trial {trial}",
    }
    return words[kind]
