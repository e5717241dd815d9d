"""What a tuning promises a host that is less than its plan, before and after `clipkit hosts --calibrate`.

    python experiments/benchmarks/calibrated_host.py [--memory 457M] [--cpus 0.35] [--budget 4] [FILM]

The host is called render-starter (512 MB, 0.5 CPU) and has what is given here: a group of the kernel's in which
nothing but a pack runs. A pack of three settings runs there and comes home, and the same here; then it is tuned for,
calibrated, tuned for again; and what each tuning recommends is run there five times. Prints what was promised beside
the mean of those. Needs root, a quiet machine and about four times the budget.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from clipkit import ffmpeg_builds
from clipkit import format as fmt
from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.hosts import parse_size
from clipkit.records.folder import read_records
from clipkit.settings import Settings

_HOST, _RUNS = "render-starter", 5
_CLIPS, _LENGTH_S = 4, 4


@dataclass(frozen=True)
class Place:
    """`limits`: of the host. `film`: what is cut."""

    folder: Path
    limits: Limits
    film: str

    def clipkit(self, *words: object) -> dict[str, Any]:
        argv = [sys.executable, "-m", "clipkit", *map(str, words), "--json"]
        own = os.environ | {"CLIPKIT_DATA": str(self.folder / "data")}
        ran = subprocess.run(argv, cwd=self.folder, env=own, stdout=subprocess.PIPE, check=True)
        found: dict[str, Any] = json.loads(ran.stdout)
        return found

    def experiment(self, name: str, settings: str) -> Path:
        path = self.folder / f"{name}.toml"
        path.write_text(
            f"name = '{name}'\n[job]\nuploads = '{self.film}'\nclips = {_CLIPS}\nlength_s = {_LENGTH_S}\n"
            f"[host]\nname = '{_HOST}'\n[settings]\n{settings}\n[run]\nblocks = {_RUNS}\n"
        )
        return path

    def measured_there(self, experiment: Path) -> Path:
        """The campaign that came home."""
        name = experiment.stem
        pack, log = self.folder / f"{name}.pyz", self.folder / f"{name}.log"
        subprocess.run(
            [sys.executable, "-m", "clipkit", "pack", experiment, "--host", _HOST, "-o", pack],
            env=os.environ | {"CLIPKIT_DATA": str(self.folder / "data")},
            cwd=self.folder,
            check=True,
        )
        python = str(Path(sys.base_prefix, "bin", "python3"))
        ffmpeg = ffmpeg_builds.find_build(Settings().ffmpeg).path  # the same as at home
        argv = [python, str(pack), "--yes", "--ffmpeg", str(ffmpeg), "--results", f"{name}-there"]
        with open_ceiling(self.limits) as host, log.open("wb") as printed:
            clean = {"PATH": os.defpath, "HOME": str(self.folder)}
            subprocess.run(host.wrap(argv), cwd=self.folder, env=clean, stdout=printed, check=True)
        return Path(self.clipkit("unpack", log, "--results", "results")["campaign"])

    def tuned(self, budget: float) -> tuple[float, float]:
        """Seconds that a tuning promises for its recommendation, and the mean of five runs there."""
        words = ("--count", _CLIPS, "--length", _LENGTH_S, "--mode", "encode", "--no-report")
        found = self.clipkit("tune", self.film, "--host", _HOST, "--budget", budget, *words)
        own = found["recommendation"]
        told = [f"{name} = {json.dumps(v)}" for name, v in own["settings"].items() if v is not None]
        experiment = self.experiment(f"as-{Path(found['campaign']).name}", "\n".join(told))
        walls = [r.wall_s for r in read_records(self.measured_there(experiment)) if r.wall_s]
        return float(own["predicted_wall_s"]), fmean(walls)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("film", nargs="?", default="sample-720p-120s")
    parser.add_argument("--memory", default="457M")
    parser.add_argument("--cpus", type=float, default=0.35)
    parser.add_argument("--budget", type=float, default=4)
    asked = parser.parse_args()
    limits = Limits(parse_size(asked.memory), asked.cpus)
    with tempfile.TemporaryDirectory(prefix="clipkit-calibrated-") as folder:
        place = Place(Path(folder), limits, asked.film)
        known = place.experiment("known", "preset = ['ultrafast', 'superfast', 'veryfast']")
        place.clipkit("sweep", known, "--as", "known-here")
        before = place.tuned(asked.budget)
        found = place.clipkit("hosts", "--calibrate", place.measured_there(known))
        after = place.tuned(asked.budget)
    print(
        f"held to be {fmt.size(found['memory_bytes'])}, {found['cpus']:.3g} CPU of a core that does "
        f"{found['core']:.3f} by {found['core_by']} ({found['core_pairs']} pairs)"
    )
    for when, (promised_s, took_s) in (("before", before), ("after", after)):
        print(
            f"{when:<7} promised {fmt.seconds(promised_s)}, took {fmt.seconds(took_s)} in the mean of {_RUNS}: "
            f"{promised_s / took_s:.2f} of it"
        )


if __name__ == "__main__":
    main()
