"""The catalogue of hosts (`hosts.toml`) and custom ones from the command line."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from clipkit.errors import HostError
from clipkit.format import MIB, size
from clipkit.legal import unknown_word

UNLIMITED = "unlimited"
DEFAULT_FOR_TUNE = "render-starter"

_UNITS = {"": 1, "B": 1, "K": 1024, "M": MIB, "G": 1024 * MIB}
# No plan and no server is as small: who writes 512 means MB, of which no plan has as many.
_FEWEST_BARE_BYTES = 65536
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGB]?)(?:i?B)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Host:
    """What a job may use. Sizes in bytes, CPU in cores; None is unlimited.

    `swap_bytes` is what the host has besides its memory; hosting plans have none.
    `source` and `checked` say where plan and price were read, and when. `as_measured`: in words, what memory and
    CPU were measured to be on the host itself, which then stand here instead of the plan's; `as_measured_log_sd`
    how well its speed is known from that, a standard deviation of logarithms.
    """

    name: str
    memory_bytes: int | None
    cpus: float | None
    swap_bytes: int = 0
    usd_per_month: float | None = None
    source: str | None = None
    checked: str | None = None
    as_measured: str | None = None
    as_measured_log_sd: float | None = None

    def __post_init__(self) -> None:
        if self.memory_bytes is not None and self.memory_bytes <= 0:
            raise HostError(
                f"host {self.name}: memory must be positive, not {size(self.memory_bytes)}"
            )
        if self.cpus is not None and not 0.01 <= self.cpus <= 1024:
            raise HostError(f"host {self.name}: cpus must be from 0.01 to 1024, not {self.cpus:g}")

    @property
    def unlimited(self) -> bool:
        return self.memory_bytes is None and self.cpus is None


def parse_size(text: str) -> int:
    """`512M`, `1.5G`, `120 MB`, `65536` to bytes; K, M and G are powers of 1024.

    Raises HostError for anything else, and for a bare number so small that its unit was forgotten.
    """
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise HostError(f"'{text}' is not a size: write 512M, 1.5G or a number of bytes")
    size_bytes = int(float(match[1]) * _UNITS[match[2].upper()])
    if match[0] == match[1] and 0 < size_bytes < _FEWEST_BARE_BYTES:
        raise HostError(f"'{text}' would be {size_bytes} bytes: did you mean {match[1]}M?")
    return size_bytes


@cache
def catalogue() -> dict[str, Host]:
    """Name -> host, in the file's order."""
    text = Path(__file__).with_name("hosts.toml").read_text("utf-8")
    hosts = {}
    for name, entry in tomllib.loads(text).items():
        memory = entry.get("memory")
        hosts[name] = Host(
            name=name,
            memory_bytes=parse_size(memory) if memory else None,
            cpus=entry.get("cpus"),
            swap_bytes=parse_size(entry.get("swap", "0")),
            usd_per_month=entry.get("usd_per_month"),
            source=entry.get("source"),
            checked=entry.get("checked"),
        )
    return hosts


def find_host(name: str) -> Host:
    """The host of that name. Raises HostError, naming the known ones."""
    try:
        return catalogue()[name]
    except KeyError:
        told = unknown_word("host", name, catalogue())
        raise HostError(f"{told} (see clipkit hosts), or give --memory and --cpus") from None


def custom(base: Host, memory_bytes: int | None, cpus: float | None) -> Host:
    """`base` with its memory or CPU replaced; it loses its price, which was the plan's."""
    if memory_bytes is None and cpus is None:
        return base
    memory_bytes = base.memory_bytes if memory_bytes is None else memory_bytes
    cpus = base.cpus if cpus is None else cpus
    memory_name = f"{memory_bytes / MIB:g}M" if memory_bytes else "any"
    name = f"{memory_name}-{f'{cpus:g}' if cpus else 'any'}cpu"
    return replace(
        base,
        name=name,
        memory_bytes=memory_bytes,
        cpus=cpus,
        usd_per_month=None,
        source=None,
        checked=None,
        as_measured=None,
        as_measured_log_sd=None,
    )
