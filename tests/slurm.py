"""A Slurm cluster of one node, this machine, for as long as a test needs it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import requirements
from running import until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
# Without plugins for cgroups, which Slurm 22.05 has for no mixture of v1 and v2.
_CONFIGURATION = """
ClusterName=clipkit
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={controller}
SlurmdPort={daemon}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
NodeName=node NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=all Nodes=node Default=YES State=UP MaxTime=INFINITE
"""


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which Slurm's commands find it."""
    lacking = [name for name in PROGRAMS if not shutil.which(name, path=_PATH)]
    if lacking or os.getuid() != 0:
        requirements.missing(
            "slurm", f"Slurm is not to be had here ({', '.join(lacking) or 'no root'})"
        )
    folder.chmod(0o755)  # munged demands it of where its socket lies
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    configuration = folder / "slurm.conf"
    controller, daemon = _free_ports(2)
    configuration.write_text(
        _CONFIGURATION.format(
            host=socket.gethostname().split(".")[0],
            folder=folder,
            controller=controller,
            daemon=daemon,
            cores=os.cpu_count(),
        )
    )
    environment = {**os.environ, "PATH": _PATH, "SLURM_CONF": str(configuration)}
    munged = ["munged", "--foreground", "--force", f"--key-file={key}"]
    munged += [f"--{part}-file={folder}/munge.{part}" for part in ("pid", "log", "seed")]
    with contextlib.ExitStack() as stack:
        for argv in (
            [*munged, f"--socket={folder}/munge.socket"],
            ["slurmctld", "-D", "-f", str(configuration)],
            ["slurmd", "-D", "-N", "node", "-f", str(configuration)],
        ):
            stack.enter_context(_daemon(argv, folder, environment))
        until(lambda: " idle" in _told(["sinfo", "--noheader"], environment), patience_s=60)
        yield environment


def queue(environment: dict[str, str]) -> str:
    """What is queued or runs, a line each."""
    return _told(["squeue", "--noheader"], environment)


_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


@contextlib.contextmanager
def _daemon(argv: list[str], folder: Path, environment: dict[str, str]) -> Iterator[None]:
    with (
        (folder / f"{argv[0]}.out").open("wb") as said,
        subprocess.Popen(argv, env=environment, stdout=said, stderr=said) as process,
    ):
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _free_ports(many: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(many)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _told(argv: list[str], environment: dict[str, str]) -> str:
    ran = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    return ran.stdout
