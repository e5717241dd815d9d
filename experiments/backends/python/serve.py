"""Start the service: `python -P serve.py`, from any folder."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

# Until the service takes them over there is nothing to end but this process.
for _number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(_number, lambda *_: os._exit(0))

sys.path.insert(0, str(Path(__file__).resolve().parent))

from clip_backend.main import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
