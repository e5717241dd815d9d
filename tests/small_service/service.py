"""A service of the standard library alone that does what the measuring client asks of one: for tests.

It follows the contract's names and answers, not its promises (hostile uploads, stalled clients). Words on
its command line make it misbehave: `hold=MIB` keeps so much memory from its first upload on, `slow=S` makes
it silent that long once a second job's clip runs, `deaf` ignores SIGTERM, `mute` never listens, `lose`
ends it when a job is ordered, `fall=S` so long after, `refuse` takes no uploads.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WORDS = dict(word.partition("=")[::2] for word in sys.argv[1:])
DATA = Path(os.environ["DATA_DIR"])
AT_ONCE = threading.Semaphore(int(os.environ.get("MAX_CONCURRENT", "1")))
JOBS: dict[str, dict[str, Any]] = {}
HELD: list[bytes] = []


def argv(upload: Path, clip: dict[str, Any], output: Path) -> list[str]:
    seek = ["-ss", f"{clip['start_s']:.6f}"]
    length = ["-t", f"{clip['duration_s']:.6f}"]
    late = os.environ.get("SEEK") == "output"
    crf = ["-crf", os.environ["CRF"]] if "CRF" in os.environ else []
    threads = os.environ.get("ENCODER_THREADS", "1")
    return [
        os.environ["FFMPEG"],
        *("-hide_banner", "-nostdin", "-loglevel", "error"),
        *([] if late else seek),
        *("-i", str(upload), "-y"),
        *(seek if late else []),
        *length,
        *("-c:v", "libx264", "-preset", os.environ.get("PRESET", "ultrafast"), *crf),
        *("-threads", threads, "-c:a", "copy", "-f", "mp4", str(output)),
    ]


def cut(job: dict[str, Any], clip: dict[str, Any]) -> None:
    upload = DATA / "uploads" / job["upload"]
    output = DATA / "clips" / f"{job['id']}-{clip['number']}.mp4"
    with AT_ONCE:
        clip |= {"status": "running", "started_s": time.time()}
        done = subprocess.run(
            argv(upload, clip, output), stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        clip["ended_s"] = time.time()
    if done.returncode == 0:
        clip |= {"bytes": output.stat().st_size, "url": f"/jobs/{job['id']}/clips/{clip['number']}"}
        clip["status"] = "ok"
    else:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        clip["error"] = said[0] if said else f"ffmpeg ended with {done.returncode}"
        clip["status"] = "killed" if done.returncode < 0 else "failed"


def work(job: dict[str, Any]) -> None:
    job["status"] = "running"
    threads = [threading.Thread(target=cut, args=(job, clip)) for clip in job["clips"]]
    for thread in threads:
        thread.start()
        time.sleep(0.01)  # first come, first served
    for thread in threads:
        thread.join()
    job["status"] = "done" if all(c["status"] == "ok" for c in job["clips"]) else "failed"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def say(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        parts = self.path.strip("/").split("/")
        if parts == ["health"]:
            if "slow" in WORDS and any(j["status"] == "running" for j in JOBS.values()):
                time.sleep(float(WORDS["slow"]))
            self.say(200, {"status": "ok", "backend": "small", "version": "0", "ffmpeg": "?"})
        elif parts[0] == "jobs" and parts[1] in JOBS and len(parts) == 2:
            self.say(200, JOBS[parts[1]])
        elif len(parts) == 4 and (file := DATA / "clips" / f"{parts[1]}-{parts[3]}.mp4").exists():
            self.send_response(200)
            self.send_header("Content-Length", str(file.stat().st_size))
            self.end_headers()
            self.wfile.write(file.read_bytes())
        else:
            self.say(404, {"title": "Not Found", "detail": "no such thing"})

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        if self.path == "/uploads":
            self.take(length)
            return
        asked = json.loads(self.rfile.read(length))
        if "lose" in WORDS:
            os._exit(137)
        job = {
            "id": secrets.token_hex(12),
            "upload": asked["upload"],
            "status": "queued",
            "created_s": time.time(),
            "clips": [
                {"number": n, "status": "queued", "error": None, "bytes": None, "url": None,
                 "started_s": None, "ended_s": None, **clip}
                for n, clip in enumerate(asked["clips"], start=1)
            ],
        }  # fmt: skip
        JOBS[job["id"]] = job
        threading.Thread(target=work, args=(job,), daemon=True).start()
        if "fall" in WORDS:
            threading.Timer(float(WORDS["fall"]), os._exit, (137,)).start()
        self.say(202, job)

    def take(self, length: int) -> None:
        if "refuse" in WORDS:
            self.close_connection = True
            self.say(507, {"title": "Insufficient Storage", "detail": "no space for it"})
            return
        boundary = self.rfile.readline()
        head = len(boundary)
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            head += len(line)
        tail = len(b"\r\n") + len(boundary) + len(b"--")
        left = size = length - head - len(b"\r\n") - tail
        name = secrets.token_hex(12)
        with (DATA / "uploads" / name).open("wb") as file:
            while left > 0 and (block := self.rfile.read(min(left, 1 << 18))):
                file.write(block)
                left -= len(block)
        self.rfile.read(tail)
        if "hold" in WORDS:
            HELD.append(b"x" * (int(WORDS["hold"]) << 20))
        self.say(201, {"id": name, "bytes": size})


def end(*_: Any) -> None:
    if "deaf" not in WORDS:
        os._exit(0)


def main() -> None:
    for name in ("uploads", "clips"):
        folder = DATA / name
        folder.mkdir(exist_ok=True)
        for left in folder.iterdir():
            left.unlink()
    subprocess.run([os.environ["FFMPEG"], "-version"], stdout=subprocess.DEVNULL, check=True)
    signal.signal(signal.SIGTERM, end)
    if "mute" in WORDS:
        time.sleep(3600)
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
    server.daemon_threads = True
    sys.stdout.write(json.dumps({"event": "listening", "port": server.server_address[1]}) + "\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
