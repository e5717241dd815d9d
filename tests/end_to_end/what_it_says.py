"""What the clipkit that is imported here reads out of the campaigns in git, as one JSON object: run in a
process of its own, once by each of the clipkits that are compared. Told: the folder of the campaigns."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import stored_campaigns

import clipkit
from clipkit.campaign.sweep import cells_left
from clipkit.claims import verdicts
from clipkit.records.campaign import open_campaign
from clipkit.records.columns import columns
from clipkit.records.folder import read_records
from clipkit.records.identity import levels_of_cell, name_of_cell
from clipkit.settings import Settings, knobs


def of_campaign(folder: Path) -> dict[str, Any]:
    campaign = open_campaign(folder)
    records = read_records(folder)
    found: dict[str, Any] = {
        "rows": len(campaign.table),
        "cells": campaign.cells["cell"].tolist(),
        "standing": campaign.cells["standing"].tolist(),
        "levels": [repr(levels_of_cell(record.to_row())) for record in records],
        "names": [name_of_cell(levels_of_cell(record.to_row())) for record in records],
        "verdicts": [(v.id, v.outcome, v.found, v.depends_on) for v in verdicts(campaign.table)],
        "compared": clipkit.compare(folder, folder).lines(),
        "rows_by": {record.subject: record.to_row() for record in reversed(records)},
    }
    if folder.name in stored_campaigns.SWEEPS:
        planned = stored_campaigns.planned(folder.name)
        named = planned.design.named_as_in(records)
        found["left"] = len(cells_left(planned, records))
        found["laid_out"] = sorted(cell.name for cell in named.cells)
        # New names are of no use to anybody if a knob more changes them.
        found["new_names"] = sorted(name_of_cell(cell.levels) for cell in planned.design.cells)
    return found


def of_optima(folder: Path) -> list[dict[str, Any]]:
    from clipkit.tuning.optimum import optima  # noqa: PLC0415

    return [
        {
            "sentence": one.sentence,
            "settings": vars_of(one.settings),
            "ties": [tie.cell for tie in one.ties],
            "best": one.best.cell,
            "unmeasured": one.unmeasured,
            "toml": one.to_toml(),
        }
        for one in optima(open_campaign(folder))
    ]


def vars_of(settings: Settings) -> dict[str, Any]:
    return {knob.name: getattr(settings, knob.name) for knob in knobs()}


def told(results: Path) -> dict[str, Any]:
    tuning = clipkit.recommend(results / "reference-tune")
    return {
        "clipkit": clipkit.__file__,
        "columns": [column.name for column in columns()],
        "campaigns": {name: of_campaign(results / name) for name in stored_campaigns.NAMES},
        "optima": {name: of_optima(results / name) for name in stored_campaigns.NAMES},
        "tuning": (tuning.verdict, tuning.why, tuning.do, tuning.headline, tuning.unmeasured),
        "tuned": vars_of(tuning.settings),
        "shown": clipkit.load(results / "reference-grid")._repr_html_(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(told(Path(sys.argv[1])), default=str))
