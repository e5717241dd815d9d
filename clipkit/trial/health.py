"""How long a service takes to answer a probe while it works: an open loop at a constant rate.

Each probe is due at its time, whether or not those before it were answered, and its latency counts from
then: a client that waits for one answer before it asks again leaves out exactly the stalls that it should
see (Tene's "coordinated omission").
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from clipkit.trial.client import Client
from clipkit.trial.watching import Watching

_OK = re.compile(rb"HTTP/1\.[01] 2\d\d ")


@dataclass(frozen=True, slots=True)
class Probe:
    """`due_s`: by the monotonic clock. `latency_s`: from then to the end of the answer; None: there was
    none, or another status. `late_s`: how long after its time it was sent, by our own fault."""

    due_s: float
    late_s: float
    latency_s: float | None


@dataclass(slots=True)
class HealthProbes(Watching):
    """`with HealthProbes(client, path, per_s) as probes:` asks in a thread until the block ends; what is
    open then is waited for."""

    client: Client
    path: str
    per_s: float
    patience_s: float = 30.0
    probes: list[Probe] = field(default_factory=list)
    cpu_s: float = 0.0

    def _watch(self) -> None:
        asyncio.run(self._ask_all())
        self.cpu_s = time.thread_time()

    async def _ask_all(self) -> None:
        began_s = time.monotonic()
        asked: list[asyncio.Task[None]] = []
        while not self._over.is_set():
            due_s = began_s + len(asked) / self.per_s
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            if not self._over.is_set():
                asked.append(asyncio.create_task(self._ask(due_s)))
        await asyncio.gather(*asked)

    @property
    def _head(self) -> bytes:
        host = f"{self.client.host}:{self.client.port}"
        return f"GET {self.path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()

    async def _ask(self, due_s: float) -> None:
        late_s, latency_s = time.monotonic() - due_s, None
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(self.patience_s):
                reader, writer = await asyncio.open_connection(self.client.host, self.client.port)
                try:
                    writer.write(self._head)
                    said = await reader.read()
                    if _OK.match(said):
                        latency_s = time.monotonic() - due_s
                finally:
                    writer.close()
        self.probes.append(Probe(due_s, late_s, latency_s))


def quantile(ordered: Sequence[float], fraction: float) -> float | None:
    """The smallest value that at least that fraction of them do not pass; None of none."""
    if not ordered:
        return None
    rank = max(1, -int(-fraction * len(ordered) // 1))
    return ordered[rank - 1]
