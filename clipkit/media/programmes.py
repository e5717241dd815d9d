"""Which streams of an MPEG transport stream belong to one programme (ISO/IEC 13818-1, 2.4.4).

A recording of a whole multiplex holds several: the sound of a radio station beside a film, for one.
PyAV does not tell of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from mmap import ACCESS_READ, mmap
from pathlib import Path

_SYNC = 0x47
_PACKET_BYTES = 188
# Plain, with a time code before each packet (M2TS), with 16 bytes for error correction behind it.
_STRIDES = ((188, 0), (192, 4), (204, 0))
_READ_BYTES = 16 << 20
"""Tables are repeated several times a second: what is not in the first megabytes is not there."""


def programmes(path: Path, wanted: Set[int] = frozenset()) -> tuple[frozenset[int], ...]:
    """The PIDs of each programme, in the order in which the file names them. A programme may gain streams later on: that
    is looked for where one that is `wanted` belongs to none at first."""
    found = _named(_programme_maps(path))
    if not wanted <= frozenset().union(*found):
        found = _named(_programme_maps(path, to_the_end=True))
    return found


def _named(sections: Iterable[bytes]) -> tuple[frozenset[int], ...]:
    found: dict[int, frozenset[int]] = {}
    for section in sections:
        number = int.from_bytes(section[3:5])
        pids = {pid for pid, _ in _streams(section)}
        found[number] = found.get(number, frozenset()) | pids
    return tuple(found.values())


def stream_descriptors(path: Path, pid: int) -> bytes:
    """What the tables say of that stream, as they say it; empty where they do not name it."""
    for section in _programme_maps(path):
        for stream, descriptors in _streams(section):
            if stream == pid:
                return descriptors
    return b""


def _programme_maps(path: Path, to_the_end: bool = False) -> Iterator[bytes]:
    """The programme map table of each programme, or all that there are `to_the_end` of what is read."""
    size = min(path.stat().st_size, _READ_BYTES)
    with path.open("rb") as file, mmap(file.fileno(), size, access=ACCESS_READ) as head:
        tables: dict[bytes, int] = {}
        told: set[bytes] = set()
        pending: dict[int, bytes] = {}
        for pid, begins, payload in _packets(head):
            if pid != 0 and pid not in tables.values():
                continue
            section = _section(pending, pid, begins, payload)
            if section and pid == 0 and section[0] == 0x00:
                tables.update(_table_pids(section))
            elif section and section[0] == 0x02:
                told.add(section[3:5])
                yield section
            if not to_the_end and tables and told >= tables.keys():  # they come again and again
                return


def _packets(data: mmap) -> Iterator[tuple[int, bool, bytes]]:
    """PID, whether a section begins in it, and the payload of each packet."""
    stride, offset = next((s for s in _STRIDES if _in_step(data, *s)), (0, 0))
    if not stride:
        return
    for start in range(offset, len(data) - _PACKET_BYTES + 1, stride):
        packet = data[start : start + _PACKET_BYTES]
        if packet[0] != _SYNC or not packet[3] & 0x10:
            continue
        begin = 5 + packet[4] if packet[3] & 0x20 else 4
        pid = int.from_bytes(packet[1:3]) & 0x1FFF
        yield pid, bool(packet[1] & 0x40), packet[begin:]


def _in_step(data: mmap, stride: int, offset: int) -> bool:
    places = range(offset, min(len(data), 8 * stride), stride)
    return all(data[place] == _SYNC for place in places)


def _section(pending: dict[int, bytes], pid: int, begins: bool, payload: bytes) -> bytes | None:
    """The section of that PID which this payload makes whole."""
    if begins and payload:
        pending[pid] = payload[1 + payload[0] :]
    elif pid in pending:
        pending[pid] += payload
    section = pending.get(pid, b"")
    if len(section) < 3:
        return None
    length = 3 + (int.from_bytes(section[1:3]) & 0x0FFF)
    if len(section) < length:
        return None
    del pending[pid]
    return section[:length]


def _table_pids(section: bytes) -> Iterator[tuple[bytes, int]]:
    """Of a programme association table: each programme's number and the PID of its own table."""
    for at in range(8, len(section) - 4 - 3, 4):
        number = section[at : at + 2]
        if number != b"\0\0":  # that is where the network describes itself
            yield number, int.from_bytes(section[at + 2 : at + 4]) & 0x1FFF


def _streams(section: bytes) -> Iterator[tuple[int, bytes]]:
    """Of a programme map table: the PID of each stream, and its descriptors."""
    at = 12 + (int.from_bytes(section[10:12]) & 0x0FFF)
    while at + 5 <= len(section) - 4:
        size = int.from_bytes(section[at + 3 : at + 5]) & 0x0FFF
        yield int.from_bytes(section[at + 1 : at + 3]) & 0x1FFF, section[at + 5 : at + 5 + size]
        at += 5 + size
