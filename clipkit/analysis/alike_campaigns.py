"""Whether campaigns that are set beside each other were measured by the same means. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clipkit import format as fmt
from clipkit.analysis.differences import Difference, differences
from clipkit.records.campaign import Campaign

_ON_WHICH_TIMES_DEPEND = ("machine", "ffmpeg", "ceiling")


def unlike_means(campaigns: Sequence[Campaign]) -> tuple[str, ...]:
    """Why seconds of the one are not those of the other, in sentences; empty where they may be compared.

    The same differences that `compare_campaigns` tells before any ratio.
    """
    return (*_merged(campaigns), *_apart(campaigns))


def _merged(campaigns: Sequence[Campaign]) -> Iterator[str]:
    for each in campaigns:
        count = each.table["host_id"].nunique()
        if count > 1:
            yield f"{fmt.near(each.folder)} was measured on {count} machines: its times are their means"


def _apart(campaigns: Sequence[Campaign]) -> Iterator[str]:
    """Each beside the first."""
    first = campaigns[0]
    for other in campaigns[1:]:
        known = {found.what: found for found in differences(first, other)}
        for what in _ON_WHICH_TIMES_DEPEND:
            if what in known:
                yield (
                    f"the {what} differs, so their seconds are not comparable: "
                    f"{' and '.join(_told(known[what], first, other))}"
                )


def _told(found: Difference, first: Campaign, other: Campaign) -> Iterator[str]:
    """Machines by their ids where they are of one kind."""
    for words, side in ((found.a, first), (found.b, other)):
        ids = ", ".join(sorted(set(side.table["host_id"])))
        yield f"{ids if found.a == found.b else words} in {fmt.near(side.folder)}"
