"""When each ffmpeg of a server ended that does not say so itself: seen from outside.

The launcher notes each start. A descriptor of the process (`pidfd_open(2)`) becomes readable the moment it
ends, whoever its parent is; it leaves the server and its ffmpegs alone.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
from dataclasses import dataclass, field
from typing import Any

from clipkit.plan.clips import Clip
from clipkit.trial.launcher import Launch, Launcher, launch_of
from clipkit.trial.watching import Watching

_LOOK_S = 0.01
"""An ffmpeg that lives shorter than that may have ended before it was first seen; then that is its end."""


@dataclass(slots=True)
class Ends(Watching):
    """`with Ends(launcher) as ends:` watches in a thread. `ended_s`: by the process' number, seconds since
    1970."""

    launcher: Launcher
    ended_s: dict[int, float] = field(default_factory=dict)
    _open: dict[int, int] = field(default_factory=dict)

    def _watch(self) -> None:
        poll = select.poll()
        known: set[int] = set()
        while not self._over.is_set():
            for pid in self.launcher.pids() - known:
                known.add(pid)
                self._follow(pid, poll)
            if not self._open:
                self._over.wait(_LOOK_S)
                continue
            for descriptor, _ in poll.poll(_LOOK_S * 1000):
                self.ended_s[self._open.pop(descriptor)] = time.time()
                poll.unregister(descriptor)
                os.close(descriptor)
        for descriptor in self._open:
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _follow(self, pid: int, poll: select.poll) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:  # it has ended already
            self.ended_s[pid] = time.time()
            return
        self._open[descriptor] = pid
        poll.register(descriptor, select.POLLIN)


def with_times(
    document: dict[str, Any],
    clips: tuple[Clip, ...],
    launches: list[Launch],
    ended_s: dict[int, float],
) -> dict[str, Any]:
    """The job as told, with the times of the ffmpeg that was for each clip: the one with its start in its
    words, or else the next that was for none; where there is none, or it began when the client had its answer
    already (that the server died), the client's own times."""
    unused = list(launches)
    found = {number: launch_of(clip, unused) for number, clip in enumerate(clips, start=1)}
    timed = []
    for clip in document["clips"]:
        launch = found.get(clip["number"]) or (unused.pop(0) if unused else None)
        if clip["answered_s"] is None:
            times = (launch.started_s if launch else None, None)
        elif launch is None or launch.started_s > clip["answered_s"]:
            times = (clip["sent_s"], clip["answered_s"])
        else:
            times = (launch.started_s, ended_s.get(launch.pid, clip["answered_s"]))
        timed.append({**clip, "started_s": times[0], "ended_s": times[1]})
    return {**document, "clips": timed}
