"""A user's server of the standard library alone, with routes unlike those of our services: for tests.

`POST /clip` takes film and times as a form and answers with the clip. `POST /film` takes the film as its body,
`PUT /cut` cuts one clip of it and answers with an address when it is done; `POST /render` takes all clips at once
and is asked by `GET /render/ID`. ffmpeg is found by FFMPEG_PATH, or else by PATH.

Words on its command line: `port=N` listens there and nowhere else; `exit` ends at once, `mute` never listens,
`html`, `500`, `keyless`, `null` and `413` are what an upload is answered with, `endless` never finishes a job,
`clock=iso` tells times as text, else they are milliseconds,
`away` sends its clients elsewhere, `hold=MIB` keeps so much memory from each upload, `whole=PATH` is another
program than ffmpeg, `crowd=N` falls when more than N clips are cut at once.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WORDS = dict(word.partition("=")[::2] for word in sys.argv[1:])
FOLDER = Path(os.environ["TMPDIR"])
FFMPEG = WORDS.get("whole") or os.environ.get("FFMPEG_PATH", "ffmpeg")
AT_ONCE = threading.Semaphore(int(os.environ.get("WORKERS", "100")))
JOBS: dict[str, dict[str, Any]] = {}
HELD: list[bytes] = []
RUNNING: list[str] = []


def cut(film: str, start: str, duration: str) -> Path:
    """Raises CalledProcessError."""
    clip = (
        FOLDER / f"clip-{len(list(FOLDER.iterdir()))}-{threading.get_ident()}-{time.time_ns()}.mp4"
    )
    words = ["-nostdin", "-v", "error", "-ss", start, "-i", film, "-y", "-t", duration]
    with AT_ONCE:
        RUNNING.append(start)
        if len(RUNNING) > int(WORDS.get("crowd", "1000")):
            os._exit(3)
        preset = os.environ.get("PRESET", "ultrafast")
        try:
            subprocess.run(
                [FFMPEG, *words, "-c:v", "libx264", "-preset", preset, "-an", str(clip)],
                stdin=subprocess.DEVNULL,
                check=True,
            )
        finally:
            RUNNING.remove(start)
    return clip


def render(job: dict[str, Any], film: str, clips: list[dict[str, Any]]) -> None:
    try:
        job["files"] = [cut(film, str(c["from"]), str(c["to"] - c["from"])) for c in clips]
        job["state"] = "working" if "endless" in WORDS else "finished"
    except subprocess.CalledProcessError as error:
        job |= {"state": "broken", "why": str(error)}


def now() -> str | float:
    if WORDS.get("clock") == "iso":
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return time.time() * 1000


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def say(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def tell(self, status: int, document: Any) -> None:
        self.say(status, json.dumps(document).encode())

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def do_GET(self) -> None:
        if self.path == "/status":
            self.say(200, b"fine", "text/plain")
        elif found := re.fullmatch(r"/render/(\w+)(?:/(\d+))?", self.path):
            job = JOBS.get(found[1])
            if job is None:
                self.tell(404, {"message": "no such job"})
            elif found[2]:
                self.say(200, job["files"][int(found[2]) - 1].read_bytes(), "video/mp4")
            else:
                self.tell(200, {"job": {"state": job["state"], "why": job.get("why"), "at": now()}})
        elif (file := FOLDER / self.path.removeprefix("/files/")).is_file():
            self.say(200, file.read_bytes(), "video/mp4")
        else:
            self.tell(404, {"message": "nothing here"})

    def do_POST(self) -> None:
        if self.path == "/clip":
            self.clip_of_form()
        elif self.path == "/film":
            self.take_film()
        elif self.path == "/render":
            asked = json.loads(self.body())
            name = f"job{len(JOBS)}"
            JOBS[name] = job = {"state": "working", "files": []}
            threading.Thread(
                target=render, args=(job, asked["film"], asked["parts"]), daemon=True
            ).start()
            self.tell(202, {"job": {"id": name}})
        else:
            self.say(404, b"<html>nothing here</html>", "text/html")

    def do_PUT(self) -> None:
        asked = json.loads(self.body())
        clip = cut(asked["film"], asked["start"], asked["length"])
        host = "http://example.org" if "away" in WORDS else ""
        self.tell(200, {"clip": {"address": f"{host}/files/{clip.name}"}})

    def take_film(self) -> None:
        body = self.body()
        if "413" in WORDS:
            self.tell(413, {"title": "Payload Too Large", "detail": "at most 1 kB"})
        elif "500" in WORDS:
            sys.stderr.write("TypeError: file is undefined\n    at upload (server.js:12)\n")
            self.tell(500, {})
        elif "html" in WORDS:
            self.say(200, b"<html>welcome</html>", "text/html")
        elif "null" in WORDS:
            self.tell(200, {"data": [{"id": None}]})
        elif "keyless" in WORDS:
            self.tell(200, {"ok": True, "name": "film"})
        else:
            if "hold" in WORDS:
                HELD.append(b"x" * (int(WORDS["hold"]) << 20))
            film = FOLDER / f"film-{time.time_ns()}"
            film.write_bytes(body)
            self.tell(201, {"data": [{"id": str(film)}]})

    def clip_of_form(self) -> None:
        body = self.body()
        boundary = body.split(b"\r\n", 1)[0]
        parts: dict[str, bytes] = {}
        for part in body.split(boundary)[1:-1]:
            head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            name = re.search(rb'name="(\w+)"', head)
            assert name
            parts[name[1].decode()] = content.removesuffix(b"\r\n")
        film = FOLDER / f"film-{threading.get_ident()}-{time.time_ns()}"
        film.write_bytes(parts["video"])
        try:
            clip = cut(str(film), parts["start"].decode(), parts["duration"].decode())
        except subprocess.CalledProcessError as error:
            self.say(500, f"cannot cut: {error}".encode(), "text/plain")
        else:
            self.say(200, clip.read_bytes(), "video/mp4")


def main() -> None:
    if "exit" in WORDS:
        sys.stderr.write(
            "Error: Cannot find module 'express'\n    at Module._load (x.js:1)\nNode.js v22\n"
        )
        sys.exit(1)
    if "mute" in WORDS:
        time.sleep(3600)
    port = int(WORDS.get("port") or os.environ["PORT"])
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
