"""What a browser shows of a clip whose pictures count, at each moment that matters: Chromium and Firefox."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import browsing
import counted
import requirements
from running import until

_PATIENCE_S = 60
_PAGE_NAME = "watching.html"
_FIREFOXES = ("firefox-esr", "firefox")
# Blocks of `counted`, read off a canvas.
_PAGE = """<!doctype html><title>clip</title><canvas></canvas><script>
const BITS = %d;
const wait = (target, name) => new Promise((done, fail) => {
  target.addEventListener(name, done, { once: true });
  target.addEventListener("error", () => fail(new Error(
    target.error ? target.error.message : "error")), { once: true });
});
const later = (ms) => new Promise((done) => setTimeout(done, ms));
function number(video) {
  const canvas = document.querySelector("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  const row = context.getImageData(0, canvas.height >> 2, canvas.width, 1).data;
  let found = 0;
  for (let bit = 0; bit < BITS; bit++) {
    const at = Math.floor((bit + 0.5) * canvas.width / BITS);
    if (row[4 * at] > 127) found += 1 << bit;
  }
  return found;
}
async function opened(name, looped) {
  // The server here knows no ranges: what is to be sought in is fetched as a whole.
  const url = URL.createObjectURL(await (await fetch(name)).blob());
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true, preload: "auto", loop: looped, src: url });
  document.body.append(video);
  await wait(video, "canplay");
  return video;
}
const look = (video) => ({ at: video.currentTime, shows: number(video) });
async function watched(url) {
  const video = await opened(url, false);
  const seen = { duration: video.duration, width: video.videoWidth, height: video.videoHeight };
  await later(200);
  seen.first = look(video);
  seen.playing = [];
  const follow = (_, frame) => {
    seen.playing.push({ at: frame.mediaTime, shows: number(video) });
    video.requestVideoFrameCallback(follow);
  };
  video.requestVideoFrameCallback(follow);
  const ended = wait(video, "ended");
  await video.play();
  await ended;
  await later(200);
  seen.ended = look(video);
  for (const [name, at] of [["back", 0], ["near_end", video.duration - 0.03], ["inside", video.duration / 4]]) {
    const sought = wait(video, "seeked");
    video.currentTime = at;
    await sought;
    await later(100);
    seen[name] = look(video);
  }
  video.remove();
  return seen;
}
async function looped(url) {
  const video = await opened(url, true);
  const seen = [];
  const follow = (_, frame) => {
    seen.push({ at: frame.mediaTime, shows: number(video) });
    video.requestVideoFrameCallback(follow);
  };
  video.requestVideoFrameCallback(follow);
  await video.play();
  await later(2500 * video.duration);
  video.remove();
  return seen;
}
</script>"""


Evaluate = Callable[[str], Any]
"""What a page's asynchronous function call gives."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture's number, and the player's time at which it was shown."""

    at_s: float
    number: int


@dataclass(frozen=True, slots=True)
class Watched:
    """One clip, watched: `first` before playing, `ended` a while after its end, then sought to."""

    duration_s: float
    size: tuple[int, int]
    first: Seen
    playing: tuple[Seen, ...]
    ended: Seen
    back: Seen
    near_end: Seen
    inside: Seen


class Player:
    """A browser with one page, which reads the clips of a folder."""

    def __init__(self, name: str, evaluate: Evaluate) -> None:
        self.name = name
        self._evaluate = evaluate

    def watch(self, clip: Path) -> Watched:
        told = self._evaluate(f"watched({json.dumps(clip.name)})")
        one = {name: _seen(value) for name, value in told.items() if isinstance(value, dict)}
        playing = tuple(map(_seen, told["playing"]))
        return Watched(told["duration"], (told["width"], told["height"]), playing=playing, **one)

    def loop(self, clip: Path) -> list[Seen]:
        """What is seen in two rounds and a half."""
        return list(map(_seen, self._evaluate(f"looped({json.dumps(clip.name)})")))


def _seen(told: dict[str, Any]) -> Seen:
    return Seen(told["at"], told["shows"])


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[Player]:
    with _served(folder) as page_address, browsing.browser(folder / "chromium.png") as page:
        page.goto(page_address)
        yield Player("Chromium", page.evaluate)


@contextlib.contextmanager
def firefox(folder: Path) -> Iterator[Player]:
    """Headless, by Marionette, its own protocol of automation; skips where there is none."""
    found = next(filter(None, map(shutil.which, _FIREFOXES)), None)
    if found is None:
        requirements.missing("firefox", "no Firefox is installed")
    profile = Path(tempfile.mkdtemp(prefix="firefox-", dir=folder))
    wanted = {
        "marionette.port": 0,
        "media.autoplay.default": 0,
        "media.autoplay.blocking_policy": 0,
    }
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in wanted.items()]
    (profile / "user.js").write_text("\n".join(lines))
    argv = [found, "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
    quiet = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    with _served(folder) as page_address:
        process = subprocess.Popen(argv, env={**os.environ, "HOME": str(profile)}, **quiet)
        try:
            port_file = profile / "MarionetteActivePort"
            port = until(lambda: port_file.exists() and port_file.read_text(), _PATIENCE_S)
            with _Marionette(int(port)) as page:
                page.call("WebDriver:NewSession", capabilities={})
                page.call("WebDriver:SetTimeouts", script=_PATIENCE_S * 1000)
                page.call("WebDriver:Navigate", url=page_address)
                yield Player("Firefox", page.evaluate)
                page.call("Marionette:Quit", flags=["eForceQuit"])
        finally:
            process.terminate()
            process.wait(timeout=_PATIENCE_S)


class _Marionette:
    """Requests and answers as JSON, each with its length before it."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=2 * _PATIENCE_S)
        self._stream = self._socket.makefile("rb")
        self._calls = 0

    def __enter__(self) -> _Marionette:
        self._receive()  # it says what it is
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._socket.close()

    def call(self, command: str, **arguments: Any) -> Any:
        self._calls += 1
        message = json.dumps([0, self._calls, command, arguments]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, number, error, result = self._receive()
        assert number == self._calls
        assert error is None, error
        return result

    def evaluate(self, expression: str) -> Any:
        script = f"const done = arguments[arguments.length - 1]; {_TOLD % expression}"
        told, error = self.call("WebDriver:ExecuteAsyncScript", script=script, args=[])["value"]
        assert error is None, error
        return told

    def _receive(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._stream.read(1)
        return json.loads(self._stream.read(int(length[:-1])))


_TOLD = "(%s).then((told) => done([told, null]), (e) => done([null, String(e)]))"


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The folder's files by HTTP, and the page's address."""
    (folder / _PAGE_NAME).write_text(_PAGE % counted.BITS)
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/{_PAGE_NAME}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""
