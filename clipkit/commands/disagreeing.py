"""What commands say of a campaign that several machines have measured."""

from __future__ import annotations

from pathlib import Path


def disagreeing_words(folder: Path) -> list[str]:
    """Which of its machines disagree about a ratio, of all that the folder knows."""
    # These take a second to import, and most campaigns know one machine.
    from clipkit.analysis.machines import disagreeing_machines
    from clipkit.records.campaign import open_campaign

    return [each.words for each in disagreeing_machines(open_campaign(folder))]
