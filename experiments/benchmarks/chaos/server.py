"""A server that cuts, as small as one can be: a film comes with a PUT, a clip of it goes out for a POST."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DRIVE = """
name = "tiny"

[environment]
PORT = "{port}"

[upload]
method = "PUT"
path = "/film"
raw = true
id = "id"

[order]
path = "/clip"
json = { film = "{upload}", start = "{start_s}", length = "{duration_s}" }
answer = "clip"
"""

FOLDER = Path(tempfile.gettempdir())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def say(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @property
    def body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def do_PUT(self) -> None:
        film = FOLDER / f"film-{os.urandom(4).hex()}.mp4"
        film.write_bytes(self.body)
        self.say(json.dumps({"id": film.name}).encode())

    def do_POST(self) -> None:
        asked = json.loads(self.body)
        clip = FOLDER / f"clip-{os.urandom(4).hex()}.mp4"
        argv = ["ffmpeg", "-nostdin", "-v", "error", "-ss", str(asked["start"])]
        argv += [
            "-i",
            FOLDER / asked["film"],
            "-t",
            str(asked["length"]),
            "-preset",
            "medium",
            clip,
        ]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            self.say(f"ffmpeg ended with {done.returncode}: {done.stderr[-300:]}".encode(), 500)
        else:
            self.say(clip.read_bytes())


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
