"""What is measured as the orchestrator is clipkit's own engine: said wherever its size is shown. Pure."""

from __future__ import annotations

from clipkit import format as fmt


def own_engine_words(own_bytes: int, whole_bytes: int | None = None) -> str:
    """`clipkit's own engine takes 13 MB of 95 MB; what your orchestrator takes is unknown here …`."""
    of = "" if whole_bytes is None else f" of {fmt.size(whole_bytes)}"
    return (
        f"clipkit's own engine takes {fmt.size(own_bytes)}{of}; what your orchestrator takes is unknown "
        "here (--reserve stands for it)"
    )
