"""Small invented backends, built in a moment: a real service of Python's standard library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tomli_w

_SERVICE = """\
import http.server, json, os, pathlib, signal, sys

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"status": "ok", "backend": "small", "version": "1", "ffmpeg": "9"})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *words):
        pass

def end(*_):
    print(json.dumps({"event": "ended", "data": os.environ["DATA_DIR"]}), flush=True)
    sys.exit(0)

if os.environ.get("MAX_CLIPS") == "many":
    print("MAX_CLIPS=many is no number", file=sys.stderr)
    sys.exit(2)
signal.signal(signal.SIGTERM, end)
address = (os.environ.get("BIND", "127.0.0.1"), int(os.environ.get("PORT", "3000")))
server = http.server.HTTPServer(address, Answer)
told = {"event": "listening", "port": server.server_port, "data": os.environ["DATA_DIR"]}
print(json.dumps(told), flush=True)
server.serve_forever()
"""
_PROJECT = {"project": {"name": "small", "version": "1", "dependencies": ["Fast_Lib>=2", "slow"]}}
_LOCK = "behind==9.9\nfast-lib==2.1 \\\n    --hash=sha256:00\nslow==0.3\n"

MAKE = "import pathlib; pathlib.Path('made').write_text('')"
"""A build command: the programme that makes the file `made`."""


def declare(folder: Path, **changed: Any) -> Path:
    """The folder of a backend named after it; what is given as None is left out of its declaration."""
    folder.mkdir(parents=True)
    declared: dict[str, Any] = {
        "name": folder.name,
        "needs": [{"program": "{python}", "at_least": "3.11"}],
        "version": ["{python}", "--version"],
        "build": [["{python}", "-c", MAKE]],
        "built": "made",
        "command": ["{python}", "{dir}/service.py"],
        "lock": "requirements.lock",
        **changed,
    }
    kept = {key: value for key, value in declared.items() if value is not None}
    (folder / "backend.toml").write_text(tomli_w.dumps(kept), "utf-8")
    (folder / "service.py").write_text(_SERVICE, "utf-8")
    (folder / "pyproject.toml").write_text(tomli_w.dumps(_PROJECT), "utf-8")
    (folder / "requirements.lock").write_text(_LOCK, "utf-8")
    return folder


def npm_lock(folder: Path) -> None:
    lock = {
        "lockfileVersion": 3,
        "packages": {
            "": {"dependencies": {"express": "^5"}, "devDependencies": {"eslint": "^9"}},
            "node_modules/express": {"version": "5.3.0"},
            "node_modules/eslint": {"version": "9.0.0", "dev": True},
            "node_modules/qs": {"version": "6.0.0"},
        },
    }
    (folder / "package-lock.json").write_text(json.dumps(lock), "utf-8")


def cargo_lock(folder: Path) -> None:
    """Two versions of one crate, of which the service itself has the newer."""
    named = {"dependencies": {"axum": "0.8", "tower": {"version": "0.5"}}}
    (folder / "Cargo.toml").write_text(tomli_w.dumps(named), "utf-8")
    own = {"name": "small", "version": "1.0.0", "dependencies": ["axum", "tower 0.5.2", "insta"]}
    crates = [("axum", "0.8.9"), ("insta", "1.0.0"), ("tower", "0.5.2"), ("tower", "0.4.13")]
    pinned = [{"name": name, "version": v, "source": "registry"} for name, v in crates]
    (folder / "Cargo.lock").write_text(tomli_w.dumps({"package": [own, *pinned]}), "utf-8")
