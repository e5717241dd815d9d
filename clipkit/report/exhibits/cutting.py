"""What `clipkit.cut` made, as a Python object around its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipkit import format as fmt
from clipkit.tables import Table


@dataclass(frozen=True, slots=True)
class Cutting:
    """Clips in a folder. `manifest` is what `manifest.json` holds there; `status` is `ok` only
    where every clip is right."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def status(self) -> str:
        return str(self.manifest["status"])

    @property
    def files(self) -> tuple[Path, ...]:
        """The clips that are right, in their order."""
        right = (clip for clip in self.manifest["clips"] if clip["status"] == "ok")
        return tuple(self.folder / clip["file"] for clip in right)

    @property
    def posters(self) -> tuple[Path, ...]:
        """Of the clips that are right, if they were asked for."""
        made = (clip.get("poster") for clip in self.manifest["clips"])
        return tuple(self.folder / poster for poster in made if poster)

    def __repr__(self) -> str:
        made = (
            f"{len(self.files)} of {len(self.manifest['clips'])} clips in {fmt.near(self.folder)}"
        )
        return fmt.brief(self, made, self.status, fmt.seconds(self.manifest["wall_s"]))

    def _repr_html_(self) -> str:
        found = self.manifest
        heads = ("clip", "start", "length", "frames", "size", "wall time", "peak RSS", "ended")
        rows = tuple(
            (
                Path(clip["file"]).name if clip["file"] else "–",
                f"{clip['start_s']:g} s",
                f"{clip['duration_s']:g} s",
                "–" if clip["frames"] is None else str(clip["frames"]),
                fmt.size(clip["bytes"]),
                fmt.seconds(clip["wall_s"]),
                fmt.size(clip["peak_rss_bytes"]),
                clip["status"] if clip["error"] is None else f"{clip['status']}: {clip['error']}",
            )
            for clip in found["clips"]
        )
        caption = (
            f"{len(self.files)} of {len(rows)} clips in {fmt.near(self.folder)}: "
            f"{fmt.seconds(found['wall_s'])}, peak memory {fmt.size(found['peak_anon_bytes'])}, "
            f"host {found['host']}, ceiling {found['ceiling']}"
        )
        return Table(heads, rows, caption)._repr_html_()
