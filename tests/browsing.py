"""JupyterLab in a real browser, driven by its menus and keys as a user drives it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requirements
from running import COMMAND, until

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ADDRESS = re.compile(r"http://\S+\?token=\w+")
# A first start of JupyterLab, its kernel and matplotlib on a small machine.
_PATIENCE_S = 60
# Where the user's own Jupyter keeps things: settings, workspaces, running servers.
_HOMES = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}


@contextlib.contextmanager
def lab(folder: Path, own: Path) -> Iterator[str]:
    """`clipkit lab folder` running, its files in `own`; yields the address that it prints."""
    log = own / "lab.log"
    homes = {name: str(own / home) for name, home in _HOMES.items()}
    with log.open("wb") as said:
        server = subprocess.Popen(
            [*COMMAND, "lab", folder, "--no-browser", "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=os.environ | homes,
        )
    try:
        address = until(lambda: _ADDRESS.search(_said_by(server, log)), _PATIENCE_S)[0]
        until(lambda: _is_listening(address))  # it is printed a moment before
        yield address
    finally:
        server.terminate()
        server.wait(timeout=_PATIENCE_S)


def _said_by(server: subprocess.Popen[bytes], log: Path) -> str:
    said = log.read_text("utf-8", "replace")
    assert server.poll() is None, said
    return said


def _is_listening(address: str) -> bool:
    place = urllib.parse.urlsplit(address)
    try:
        socket.create_connection((place.hostname, place.port)).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def browser(screenshot: Path) -> Iterator[Any]:
    """A page of a headless Chromium, pictured at the end; skips where there is none."""
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415
    except ImportError:
        requirements.missing("browser", "playwright is not installed: clipkit[dev]")
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        requirements.missing("browser", "no Chromium is installed")
    with sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=found)
        page = chromium.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(_PATIENCE_S * 1000)
        try:
            yield page
        finally:
            page.screenshot(path=screenshot)
            chromium.close()


class Notebook:
    """The notebook that a page of JupyterLab shows."""

    def __init__(self, page: Any, file: Path) -> None:
        """Wait until it is there, with its kernel."""
        self.page, self.file = page, file
        self._panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        self.cells = self._panel.locator(".jp-CodeCell")
        self._idle = page.get_by_text(re.compile(r"^Python 3 .*\| Idle$"))
        self.cells.first.wait_for()
        self._idle.wait_for()

    def cell(self, holding: str) -> Any:
        """The code cell whose source holds that text."""
        return self.cells.filter(has=self.page.locator(".jp-InputArea", has_text=holding)).first

    def write(self, cell: Any, source: str) -> None:
        """Replace what a cell holds, in its editor."""
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(source)

    def source(self, cell: Any) -> str:
        """What a cell holds."""
        return "\n".join(cell.locator(".cm-line").all_text_contents())

    def run(self, source: str) -> Any:
        """Add a cell at the end and run it; it may still be running when this returns."""
        self.cells.last.locator(".jp-InputPrompt").click()
        self.page.keyboard.press("b")
        added = self.cells.last
        self.write(added, source)
        self.page.keyboard.press("Control+Enter")
        return added

    def run_all(self) -> None:
        """Every cell, and wait for the last. An error in one fails the test with its text."""
        self.menu("Run", "Run All Cells")
        until(self._has_run_all, _PATIENCE_S)

    def interrupt(self) -> None:
        self.menu("Kernel", "Interrupt Kernel")

    def restart(self) -> None:
        """Restart the kernel, confirm, and wait until the new one listens."""
        self.menu("Kernel", "Restart Kernel…")
        self.page.get_by_role("button", name="Confirm Kernel Restart").click()
        self._idle.wait_for(state="hidden")
        self._idle.wait_for()

    def menu(self, title: str, entry: str) -> None:
        for label in (
            f".lm-MenuBar-itemLabel >> text='{title}'",
            f".lm-Menu-itemLabel >> text='{entry}'",
        ):
            self.page.locator(label).click()

    def has_run(self, cell: Any) -> bool:
        """Its prompt is a number: no star, not empty."""
        prompt = cell.locator(".jp-InputPrompt").text_content()
        return re.fullmatch(r"\[\d+\]:", prompt.strip()) is not None

    def output(self, cell: Any) -> str:
        return str(cell.locator(".jp-Cell-outputWrapper").text_content())

    def pictures(self) -> list[tuple[int, int]]:
        """Width and height of each picture that was really drawn, in pixels."""
        drawn = self._panel.locator(".jp-OutputArea-output img")
        sizes = drawn.evaluate_all("them => them.map(it => [it.naturalWidth, it.naturalHeight])")
        return [(width, height) for width, height in sizes]

    def errors(self) -> list[str]:
        """Tracebacks, as they are shown."""
        shown = self._panel.locator('[data-mime-type="application/vnd.jupyter.error"]')
        return [str(text) for text in shown.all_text_contents()]

    def saved(self) -> dict[str, Any]:
        """Save it, and read the file."""
        before = self.file.stat().st_mtime_ns
        self.menu("File", "Save Notebook")
        document: dict[str, Any] = until(lambda: self._written_since(before))
        return document

    def _written_since(self, time_ns: int) -> Any:
        """None before, and while it is being written."""
        with contextlib.suppress(ValueError):
            if self.file.stat().st_mtime_ns != time_ns:
                return json.loads(self.file.read_text("utf-8"))
        return None

    def _has_run_all(self) -> bool:
        assert self.errors() == []
        return all(self.has_run(cell) for cell in self.cells.all())
