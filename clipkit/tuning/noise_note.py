"""Whether a tuning's verdict stands on undisturbed trials, and what it were without the others. Pure."""

from __future__ import annotations

from clipkit import format as fmt
from clipkit.analysis.quiet import noise_words
from clipkit.campaign.strategy import WARMUP
from clipkit.errors import CampaignError
from clipkit.records.disturbance import disturbance
from clipkit.records.record import Record
from clipkit.records.settings_words import how_words
from clipkit.records.status import COUNTS
from clipkit.tuning.findings import Findings, gather_findings
from clipkit.tuning.screening import Results, screened


def noise_note(findings: Findings, cores: int) -> str | None:
    """What others did in the trials that the verdict stands on, in words; None where nothing that is worth
    a word. Where some of them were not disturbed, what these say by themselves is told if it is another
    thing. `cores`: the machine's."""
    told = [(cell, record) for cell, record in findings.results if cell.phase != WARMUP]
    counted = [record for _, record in told if record.status in COUNTS]
    spoilt = {record.run_id for record in counted if _is_disturbed(record, cores)}
    words = noise_words(counted)
    if words is None and not spoilt:
        return None
    said = f"the machine was not quiet: {words or 'its speed changed'}"
    if not spoilt:
        return said
    again = sum(record.attempt > 1 for record in counted)
    said += (
        f"; {fmt.counted(again, 'trial')} run again for that, {len(spoilt)} disturbed to the end"
    )
    clean = [(cell, record) for cell, record in told if record.run_id not in spoilt]
    return f"{said}. {_without(findings, clean)}"


def _without(findings: Findings, clean: Results) -> str:
    """What the undisturbed trials say by themselves."""
    again = "Measure it again when the machine is idle"
    try:
        others = gather_findings(findings.question, screened(findings.question, clean), clean)
    except CampaignError:
        return f"Too few were not disturbed to say anything by themselves. {again}"
    ours, theirs = findings.settings, others.settings
    if ours != theirs:
        mode = f"mode {theirs.mode}, " if theirs.mode != ours.mode else ""
        return f"The others alone would recommend {mode}{how_words(theirs)}. {again}"
    both = findings.rival, others.rival
    if both[0] and both[1] and both[0].decided != both[1].decided:
        return f"The others alone do not say the same of the gain. {again}"
    return "The others alone say the same"


def _is_disturbed(record: Record, cores: int) -> bool:
    return disturbance(record, record.cpu_quota, cores) is not None
