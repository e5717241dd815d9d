"""Films whose pictures change on the way: two recordings joined by copying, as editors and phones do."""

from __future__ import annotations

from pathlib import Path

from making import Make

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "0")
BT709 = "colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
BT601 = "colorspace=bt470bg:color_primaries=bt470bg:color_trc=smpte170m:range=tv"

# Each change, as the filters that make the second part another than the first.
CHANGES = {
    "size": ("null", "scale=240:136,setsar=1"),
    "shape": ("setsar=1", "setsar=4/3"),
    "samples": ("format=yuv420p", "format=yuv444p"),
    "matrix": (
        f"scale=out_color_matrix=bt709,format=yuv420p,setparams={BT709}",
        f"scale=out_color_matrix=bt601,format=yuv420p,setparams={BT601}",
    ),
    "range": ("format=yuv420p", "scale=out_range=full,format=yuvj420p"),
}


def joined(make: Make, name: str, *parts: Path) -> Path:
    """By copying, one after the other."""
    listed = parts[0].with_suffix(".txt")
    listed.write_text("".join(f"file '{part}'\n" for part in parts))
    return make(name, "-c", "copy", source=("-f", "concat", "-safe", "0", "-i", listed))


def changing(make: Make, name: str, change: str, coding: tuple[str, ...] = X264) -> Path:
    """Two seconds of one kind, then two of another. Its picture stands still, in four flat colours."""
    colours = (
        "color=red:s=80x90:d=2:r=25,pad=160:90:0:0:blue,"
        "drawbox=0:45:80:45:lime:fill,drawbox=80:45:80:45:yellow:fill"
    )
    parts = [
        make(
            # Where headers are in the stream, so that they are joined with it.
            f"{change}-{number}.{'ts' if coding[1] in ('libx264', 'libx265') else 'mkv'}",
            *("-vf", filters, *coding),
            source=("-f", "lavfi", "-i", colours),
        )
        for number, filters in enumerate(CHANGES[change])
    ]
    return joined(make, name, *parts)
