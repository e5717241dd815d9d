"""Machines that reach each other over a bridge of their own: network namespaces, and for each machine a /dev/shm of its
own, where the locks of a real one would be. All of it is gone when the test has ended, and nothing of this machine's own
network is touched, since the bridge is in a namespace too."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import requirements

PROGRAMS = ("ip", "unshare", "nsenter")
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


@dataclass(frozen=True)
class Apart:
    """A machine with a lock of its own, on this one's network. `memory`: the process that keeps its /dev/shm."""

    memory: int

    def inside(self, *argv: str, folder: Path | None = None) -> list[str]:
        """The words that run `argv` there, by the same process id, in that folder."""
        return ["nsenter", *_entered(self.memory, folder), "--", *argv]


@dataclass(frozen=True)
class Space:
    """One namespace; it is there as long as a process is in it. `holder`: the process that only keeps it; `memory`: the
    one that keeps the machine's /dev/shm."""

    holder: int
    address: str
    memory: int

    @property
    def name(self) -> str:
        """As the kernel tells it of whoever is inside."""
        return str(Path(f"/proc/{self.holder}/ns/net").readlink())

    def inside(self, *argv: str, folder: Path | None = None) -> list[str]:
        """The words that run `argv` there, by the same process id, in that folder."""
        net = f"--net=/proc/{self.holder}/ns/net"
        return ["nsenter", net, *_entered(self.memory, folder), "--", *argv]

    def ip(self, words: str) -> None:
        subprocess.run(
            self.inside(str(shutil.which("ip", path=_PATH)), *words.split()),
            check=True,
            capture_output=True,
        )

    def processes(self) -> set[int]:
        """All that are inside, but for the one that keeps it."""
        name, found = self.name, set[int]()
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError):  # it has ended by now
                if folder.name.isdecimal() and str((folder / "ns/net").readlink()) == name:
                    found.add(int(folder.name))
        return found - {self.holder}


@dataclass(frozen=True)
class Bridged:
    """`hub`: where the bridge is, and whoever all have to reach; `around`: one space a cable."""

    hub: Space
    around: list[Space] = field(default_factory=list)

    def unplug(self, number: int) -> None:
        """Its cable is cut: nothing is told of that to anybody, packets only do not arrive."""
        self.hub.ip(f"link set port{number} down")


@contextlib.contextmanager
def apart(*machines: str) -> Iterator[dict[str, Apart]]:
    """Machines by name that differ in nothing but their locks."""
    _need("unshare", "nsenter")
    with contextlib.ExitStack() as stack:
        yield {name: Apart(stack.enter_context(_holder(*_MEMORY))) for name in machines}


@contextlib.contextmanager
def bridged(machines: Sequence[str]) -> Iterator[Bridged]:
    """A space for each of these; those of one name are on one machine."""
    _need(*PROGRAMS)
    with contextlib.ExitStack() as stack:
        memories = {name: stack.enter_context(_holder(*_MEMORY)) for name in ("hub", *machines)}

        def space(machine: str, address: str) -> Space:
            made = Space(stack.enter_context(_holder("--net", "cat")), address, memories[machine])
            made.ip("link set lo up")
            return made

        try:
            made = Bridged(space("hub", "10.99.0.1"))
            made.hub.ip("link add name span type bridge")
            made.hub.ip("link set span up")
            made.hub.ip("address add 10.99.0.1/24 dev span")
            for number, machine in enumerate(machines):
                one = space(machine, f"10.99.0.{number + 2}")
                made.hub.ip(f"link add port{number} type veth peer name cable netns {one.holder}")
                made.hub.ip(f"link set port{number} master span up")
                one.ip(f"address add {one.address}/24 dev cable")
                one.ip("link set cable up")
                made.around.append(one)
        except subprocess.CalledProcessError as error:
            requirements.missing("namespaces", f"no network in a namespace here: {error.stderr!r}")
        yield made


def _need(*programs: str) -> None:
    lacking = [name for name in programs if not shutil.which(name, path=_PATH)]
    if lacking or os.getuid() != 0:
        requirements.missing(
            "namespaces", f"no namespaces here ({', '.join(lacking) or 'no root'})"
        )


def _entered(memory: int, folder: Path | None) -> tuple[str, str]:
    return f"--mount=/proc/{memory}/ns/mnt", f"--wd={folder or Path.cwd()}"


_MEMORY = ("--mount", "sh", "-c", "mount -t tmpfs none /dev/shm && echo && exec cat")


@contextlib.contextmanager
def _holder(*words: str) -> Iterator[int]:
    """Whatever becomes of the test, it ends: its stdin does."""
    argv = ["unshare", *words]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdin and holder.stdout
            holder.stdin.write(b"\n")  # which comes back as soon as it is there
            holder.stdin.flush()
            if not holder.stdout.readline():
                requirements.missing("namespaces", f"{' '.join(argv)} is not allowed here")
            yield holder.pid
        finally:
            holder.kill()
