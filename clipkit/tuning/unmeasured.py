"""What a tuning's figures do not show, in sentences. Pure."""

from __future__ import annotations

from clipkit import format as fmt
from clipkit.media.picture import PictureCheck
from clipkit.records.need import HIDDEN_WORDS
from clipkit.records.status import INVALID
from clipkit.tuning.findings import Findings
from clipkit.tuning.words import confirming


def unmeasured(findings: Findings, ceiling: str, picture: PictureCheck | None) -> tuple[str, ...]:
    """What these figures do not show. `picture`: the recommended settings' beside the rival's."""
    question = findings.question
    said = []
    if findings.confirmed.clips_run < findings.clips_asked:
        said.append(
            f"recommended settings: {findings.confirmed.clips_run} of {findings.clips_asked} "
            f"clips run in {fmt.counted(findings.confirmed.pairs, 'pair')}, the rest estimated"
        )
    for status in INVALID:
        if count := sum(record.status is status for _, record in findings.results):
            said.append(f"{count} attempts, {status.words}: they count for nothing")
    if findings.confirmed.pairs < 5:
        said.append(
            f"only {fmt.counted(findings.confirmed.pairs, 'pair')} fitted the budget: "
            "a larger --budget narrows the intervals"
        )
    for job in question.jobs:
        if job.upload.films > 1:
            said.append(
                f"{job.upload.name} has {job.upload.films} video streams: all cut the first, "
                "the original's commands by an added -map, your own as it is"
            )
    said += _hidden_need(findings)
    if findings.chosen.asked:
        said.append(
            "threads and clips at once of the recommended mode: they are those that did best at re-encoding, others "
            "were not tried in it"
        )
    if question.fixed.audio == "copy":
        said.append(
            "re-encoded sound: it is copied as it is, as today's commands do; players that want AAC "
            "need --audio aac, which costs CPU"
        )
    if ceiling in {"watchdog", "none"}:
        said.append("no kernel enforced the ceiling here: see clipkit doctor")
    said += [
        "your plan's processor: a core here may be faster or slower than a core there, "
        "so trust the ratios more than the seconds",
        _picture(picture),
    ]
    if not question.reserve_bytes:
        said.append("your own server's memory: give it with --reserve 120M")
    return tuple(said)


def _hidden_need(findings: Findings) -> list[str]:
    if any(record.need_is_hidden for record in confirming(findings)):
        return [f"{HIDDEN_WORDS}: a run of these settings came close to it"]
    return []


def _picture(picture: PictureCheck | None) -> str:
    if picture is None:
        return "picture quality: no clip of the recommended settings was looked at beside today's"
    return f"the picture of other clips: of those that were looked at, {picture.words}"
