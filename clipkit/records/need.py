"""How much memory a run needed, of several readings that each miss something. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # whoever only writes records does without
    import pandas as pd

PARTS = ("peak_anon_bytes", "peak_shmem_bytes", "peak_kernel_bytes", "peak_bound_bytes")
"""The columns that a need is made of, in the order of `need_bytes`."""

HIDDEN_WORDS = "the ceiling may hide the need"

_HIDDEN_FRACTION = 0.95
"""So close to what there is, memory is taken back as fast as it is asked for, pages of the programs
themselves included, and a run that ended well at a peak below the limit says little about the next."""


def need_bytes(
    anon_bytes: int | None,
    shmem_bytes: int | None,
    kernel_bytes: int | None,
    bound_bytes: int | None,
) -> int | None:
    """What the kernel cannot drop: anonymous, shared and its own memory, at their peaks; more where the
    kernel's own watch between the samples tells of more. None where nothing is known of the first."""
    if anon_bytes is None:
        return None
    return max(anon_bytes + (shmem_bytes or 0) + (kernel_bytes or 0), bound_bytes or 0)


def needs_of(rows: pd.DataFrame) -> pd.Series[int]:
    """The same of each row of a campaign's table."""
    others = rows["peak_shmem_bytes"].fillna(0) + rows["peak_kernel_bytes"].fillna(0)
    sampled, bound = rows["peak_anon_bytes"] + others, rows["peak_bound_bytes"]
    needs: pd.Series[int] = sampled.mask((bound > sampled).fillna(False), bound)
    return needs


def may_be_hidden(peak_bytes: int | None, room_bytes: int | None) -> bool:
    """Whether a peak is so close to the memory beside the reserve that the need may be above it."""
    if peak_bytes is None or room_bytes is None:
        return False
    return peak_bytes >= _HIDDEN_FRACTION * room_bytes
