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


def write_ssh(programs: Path, there: Path) -> None:
    """Programs in the place of ssh and scp that do in a folder for each host what those do on another machine."""
    lines = {
        "ssh": f'cd "{there}/$1"\nexec sh -c "$2"\n',
        "scp": "from=${2%%:*} to=${3%%:*}\n"
        f'[ "$2" = "$from" ] && exec cp "$2" "{there}/$to/${{3#*:}}"\n'
        f'exec cp -r "{there}/$from/${{2#*:}}" "$3"\n',
    }
    for name, text in lines.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}")
        (programs / name).chmod(0o755)
