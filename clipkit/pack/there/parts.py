"""What a trial measured as lines of a log: compressed, in numbered parts, each signed. Stdlib only: it travels.

A part is one run of letters that neither JSON nor a shell escapes and no space interrupts, short enough for
every log that is known to cut lines (Docker at 16 kB, Heroku at 10,000 bytes, cri-o at 8 kB). The key lies in
the pack and at home: a signature tells a whole part from one that was altered on its way, or that comes from
somebody who has not the pack.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

MOST_LINE_BYTES = 4000
"""Of a printed line, its end included."""
KEY_BYTES = 32

START = "clipkit1"
"""How a part begins; the number is that of this form of it."""
LOST = "lost"
"""What the document of an end holds where a later start gave the attempt up for lost."""
_BODY_BYTES = 2700
"""Of a part, compressed; four letters stand for three bytes."""
_DIGEST_LETTERS = 16
_MAC_LETTERS = 43

PART = re.compile(
    rf"(?P<head>{START}\.(?P<kind>[wbe])\.(?P<pack>[0-9a-f]{{12}})\.(?P<life>[0-9a-f]{{8}})\.(?P<trial>\d{{1,6}})"
    rf"\.(?P<number>\d{{1,5}})\.(?P<of>\d{{1,5}})\.(?P<digest>[0-9a-f]{{{_DIGEST_LETTERS}}})\.(?P<length>\d{{1,4}}))"
    rf"\.(?P<body>[A-Za-z0-9_-]*)\.(?P<mac>[A-Za-z0-9_-]{{{_MAC_LETTERS}}})"
)


class Kind(Enum):
    """What a payload tells: where a life runs, that a trial begins, how it ended."""

    WHERE = "w"
    BEGAN = "b"
    ENDED = "e"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who prints: `pack` names the file that was packed (12 hexadecimal digits), `life` one start of it
    there (8), `key` signs."""

    pack: str
    life: str
    key: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One part as it was found, not yet believed. `number` is from 1 to `of`; `digest` is the payload's."""

    kind: Kind
    pack: str
    life: str
    trial: int
    number: int
    of: int
    digest: str
    head: str
    body: str
    mac: str

    @property
    def payload(self) -> tuple[Kind, str, str, int, int, str]:
        """Which one it is a part of."""
        return (self.kind, self.pack, self.life, self.trial, self.of, self.digest)

    def is_signed(self, key: bytes) -> bool:
        """Whether it left the pack of that key as it is here."""
        return hmac.compare_digest(self.mac, _mac(self.head, self.body, key))


def printed_parts(sender: Sender, kind: Kind, trial: int, document: Mapping[str, Any]) -> list[str]:
    """The lines to print, without their ends. `trial` is its number in the pack's plan, from 1; 0 where
    a payload is of no trial."""
    return text_parts(sender, kind, trial, document_text(document))


def document_text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


def text_parts(sender: Sender, kind: Kind, trial: int, text: str) -> list[str]:
    """As `printed_parts`, of a document that is text already: a long one is held once."""
    packed = zlib.compress(text.encode(), 9)
    digest = payload_digest(packed)
    bodies = [packed[at : at + _BODY_BYTES] for at in range(0, len(packed), _BODY_BYTES)]
    lines = []
    for number, raw in enumerate(bodies, start=1):
        body = _letters(raw)
        head = (
            f"{START}.{kind.value}.{sender.pack}.{sender.life}.{trial}.{number}.{len(bodies)}"
            f".{digest}.{len(body)}"
        )
        lines.append(f"{head}.{body}.{_mac(head, body, sender.key)}")
    return lines


def found_part(match: re.Match[str]) -> Part | None:
    """Of a match of `PART`; None where its numbers contradict each other."""
    number, of = int(match["number"]), int(match["of"])
    if not 1 <= number <= of or int(match["length"]) != len(match["body"]):
        return None
    names = ("pack", "life", "digest", "head", "body", "mac")
    told = {name: match[name] for name in names}
    kind = Kind(match["kind"])
    return Part(kind=kind, trial=int(match["trial"]), number=number, of=of, **told)


def joined_payload(bodies: list[str]) -> bytes:
    """The bytes, compressed, that these bodies hold, in their order. Raises ValueError."""
    return b"".join(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)) for body in bodies)


def payload_digest(packed: bytes) -> str:
    return hashlib.sha256(packed).hexdigest()[:_DIGEST_LETTERS]


def _mac(head: str, body: str, key: bytes) -> str:
    return _letters(hmac.digest(key, f"{head}.{body}".encode(), "sha256"))


def _letters(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
