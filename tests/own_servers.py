"""A user's own server (`own_server/server.py`), described three ways as its user would."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

SERVER = Path(__file__).resolve().parent / "own_server" / "server.py"

ANSWERS_WITH_THE_CLIP = """
ready = "/status"

[environment]
PORT = "{port}"

[order]
path = "/clip"
field = "video"
form = { start = "{start_s}", duration = "{duration_s}" }
answer = "clip"
"""

ANSWERS_WHEN_DONE = """
health = "/status"

[environment]
PORT = "{port}"
WORKERS = "{concurrency}"
PRESET = "{preset}"
FFMPEG_PATH = "{ffmpeg}"

[upload]
path = "/film"
raw = true
id = "data.0.id"

[order]
method = "PUT"
path = "/cut"
json = { film = "{upload}", start = "00:00:0{start_s}", length = "0{duration_s}" }

[clips]
url = "/clip/address"

[fetch]
path = "{url}"
"""

IS_ASKED = """
[environment]
PORT = "{port}"
WORKERS = "{concurrency}"

[upload]
path = "/film"
raw = true
id = "data.0.id"

[order]
path = "/render"
json = { film = "{upload}", parts = "{clips}" }
clip = { from = "{start_s}", to = "{end_s}" }
id = "job.id"

[poll]
path = "/render/{job}"
status = "job.state"
done = "finished"
failed = "broken"
error = "job.why"

[fetch]
path = "/render/{job}/{number}"
"""


def start_of(*words: str) -> str:
    """The command line that starts it."""
    return shlex.join([sys.executable, "-I", "-S", str(SERVER), *words])
