"""The project's shared media: real uploads with a manifest of their properties. No part of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

_REPOSITORY = Path(__file__).resolve().parents[1]
FOLDER = Path(os.environ.get("CLIPKIT_MEDIA") or _REPOSITORY.parent / "shared" / "media").resolve()
WHY_NOT = "no shared media here: set CLIPKIT_MEDIA to their folder"


def present() -> bool:
    return (FOLDER / "manifest.json").is_file()


def entries(has_video: bool) -> list[tuple[Path, dict[str, Any]]]:
    """Each upload with its properties, those with a video stream or those without; none if absent."""
    if not present():
        return []
    files = json.loads((FOLDER / "manifest.json").read_text("utf-8"))["files"]
    return [
        (FOLDER / entry["file"], entry["properties"])
        for entry in files
        if bool(entry["properties"]["nvideo"]) == has_video
    ]
