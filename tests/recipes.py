"""The recipes by which a pack is started on its host, and what each starts."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import yaml

RECIPES = Path(__file__).resolve().parents[1] / "experiments" / "recipes"


def document(name: str) -> Any:
    return yaml.safe_load((RECIPES / name).read_text("utf-8"))


def pod() -> dict[str, Any]:
    return document("kubernetes.yaml")["spec"]["template"]["spec"]


def commands() -> dict[str, list[str]]:
    """What each recipe starts in its container."""
    line = next(
        line
        for line in (RECIPES / "Dockerfile").read_text().splitlines()
        if line.startswith("CMD ")
    )
    return {
        "Dockerfile": json.loads(line.removeprefix("CMD ")),
        "render.yaml": shlex.split(document("render.yaml")["services"][0]["dockerCommand"]),
        "kubernetes.yaml": pod()["containers"][0]["command"],
    }
