"""A real Jupyter kernel, as a notebook has one."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

_PATIENCE_S = 90


@dataclass
class Cell:
    """A cell that was sent to be executed, and what has come of it so far."""

    msg_id: str
    outputs: list[dict[str, Any]] = field(default_factory=list)
    idle: bool = False

    @property
    def printed(self) -> str:
        return "".join(out["text"] for out in self.outputs if "text" in out)

    @property
    def error(self) -> str | None:
        return next((out["ename"] for out in self.outputs if "ename" in out), None)

    def shown(self, kind: str = "display_data") -> list[str]:
        """The HTML of every `display_data` or `update_display_data`."""
        return [out["data"].get("text/html", "") for out in self.outputs if out["kind"] == kind]


@dataclass
class Kernel:
    manager: KernelManager
    client: BlockingKernelClient

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.process.pid)

    def begin(self, code: str) -> Cell:
        return Cell(self.client.execute(code))

    def run(self, code: str) -> Cell:
        """Execute to the end; an error in the code is one here."""
        cell = self.listen(self.begin(code), lambda cell: cell.idle)
        assert cell.error is None, cell.outputs[-1]
        return cell

    def listen(self, cell: Cell, until: Any) -> Cell:
        """Take in what the cell puts out until that is true of it."""
        deadline_s = time.monotonic() + _PATIENCE_S
        while not until(cell):
            assert time.monotonic() < deadline_s, cell.outputs
            with contextlib.suppress(Empty):
                message = self.client.get_iopub_msg(timeout=1)
                if message["parent_header"].get("msg_id") != cell.msg_id:
                    continue
                kind, content = message["msg_type"], message["content"]
                if kind == "status":
                    cell.idle = content["execution_state"] == "idle"
                else:
                    cell.outputs.append({"kind": kind, **content})
        return cell

    def interrupt(self) -> None:
        self.manager.interrupt_kernel()

    def kill(self) -> None:
        """As JupyterLab does when it restarts one that hangs: its whole process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(os.getpgid(self.pid), signal.SIGKILL)
        self.manager.provisioner.process.wait(timeout=10)


@contextlib.contextmanager
def kernel(folder: Path) -> Iterator[Kernel]:
    """A kernel in that folder; shut down at the end."""
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder))
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
