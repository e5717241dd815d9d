"""Results as lines for people and as objects for machines. Decides nothing."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipkit import format as fmt
from clipkit.hosts import Host

if TYPE_CHECKING:
    from clipkit.campaign.estimate import Estimate
    from clipkit.campaign.merge import Merged
    from clipkit.campaign.sweep import Swept


def cut_lines(manifest: Mapping[str, Any], out_dir: Path) -> list[str]:
    right = [clip for clip in manifest["clips"] if clip["status"] == "ok"]
    return [
        f"{len(right)} of {len(manifest['clips'])} clips in {fmt.near(out_dir)}: "
        f"{fmt.seconds(manifest['wall_s'])}, {fmt.size(sum(clip['bytes'] for clip in right))}, "
        f"peak memory {fmt.size(manifest['peak_anon_bytes'])} (ceiling: {manifest['ceiling']})"
    ]


def cut_failure(manifest: Mapping[str, Any]) -> str:
    wrong = [
        (number, clip)
        for number, clip in enumerate(manifest["clips"], start=1)
        if clip["status"] != "ok"
    ]
    if not wrong:
        return f"every clip is right, but {manifest['error']}"
    if manifest["status"] == "cancelled":
        right = len(manifest["clips"]) - len(wrong)
        kept = f"{right} finished before and kept" if right else "none was finished"
        return (
            f"interrupted: {len(wrong)} of {len(manifest['clips'])} clips of {manifest['upload']} "
            f"cancelled, {kept}"
        )
    number, first = next((entry for entry in wrong if entry[1]["status"] != "cancelled"), wrong[0])
    text = (
        f"{len(wrong)} of {len(manifest['clips'])} clips of {manifest['upload']} failed; "
        f"clip {number} at {first['start_s']:g} s: {first['status']}: {first['error']}"
    )
    if manifest["status"] == "oom":
        text += "; lower --concurrency, or see `clipkit tune` for settings that fit"
    return text


def swept(done: Swept) -> dict[str, Any]:
    standing = dataclasses.asdict(done.standing)
    counts = (
        "state",
        "shard",
        "total",
        "done",
        "ok",
        "oom",
        "inferred",
        "failed",
        "disturbed",
        "machine_failed",
        "best",
    )
    return {"campaign": str(done.folder), "ran": done.ran, **{key: standing[key] for key in counts}}


def swept_lines(done: Swept) -> list[str]:
    standing = done.standing
    shown = [f"{standing.done_words}, {standing.ok} ended well"]
    if standing.oom + standing.inferred:
        shown[0] += f", {standing.oom} ran out of memory, {standing.inferred} known to"
    if standing.failed:
        shown[0] += f", {standing.failed} failed"
    if standing.disturbed:
        shown[0] += f", {standing.disturbed} not measured: disturbed"
    if standing.machine_failed:
        shown[0] += f", {standing.machine_failed} not measured: the machine failed"
    if not done.ran:
        shown.append("nothing was left to run")
    folder = fmt.near(done.folder)
    return [*shown, f"{folder}", f"look into it: clipkit report {shlex.quote(folder)}"]


def merged(done: Merged) -> dict[str, Any]:
    return {
        "campaign": str(done.folder),
        "trials": done.trials,
        "added": done.added,
        "machines": list(done.machines),
        "begun": [str(folder) for folder in done.begun],
    }


def merged_lines(done: Merged) -> list[str]:
    machines = f"{len(done.machines)} machine{'s' if len(done.machines) > 1 else ''}"
    added = f"{done.added} of them new" if done.added else "nothing new"
    begun = [f"{fmt.near(folder)}: no trial of it has ended" for folder in done.begun]
    return [f"{done.trials} trials of {machines}, {added}", *begun, fmt.near(done.folder)]


def estimate_lines(expected: Estimate, folder: Path) -> list[str]:
    blocks = "" if expected.blocks is None else f", {expected.blocks} blocks"
    return [
        f"{expected.cells} cells{blocks}: {expected.trials} trials to run in {fmt.near(folder)}",
        f"about {fmt.clock(expected.time_s)}, from {expected.tried} short clips cut now: "
        "right within a factor of two",
        f"about {fmt.size(expected.disk_bytes)} of disk",
        *_seen_lines(expected),
    ]


def _seen_lines(expected: Estimate) -> list[str]:
    """How small a difference between two cells will be seen."""
    if expected.blocks is None:
        return []
    if expected.smallest_difference is None:
        return [
            "how small a difference will be seen is not known: "
            "`clipkit doctor --calibrate` on the same host tells, in a minute"
        ]
    return [
        f"differences under {fmt.percent(expected.smallest_difference)} will not be seen with "
        f"{expected.blocks} block{'s' if expected.blocks > 1 else ''}"
    ]


def probe_lines(facts: Mapping[str, Any]) -> list[str]:
    rate = "variable, mean " if facts["vfr"] else ""
    sounds = [f"{a['codec']} {a['sample_rate']} Hz {a['channels']} ch" for a in facts["audio"]]
    shown = [
        f"{facts['path']}",
        f"  video      {facts['codec']} {facts['profile'] or ''} {facts['pixel_format']}, "
        f"{facts['width']}x{facts['height']}{_pixels(facts)}, {rate}{facts['fps']:.5g} fps, "
        f"{fmt.seconds(facts['duration_s'])}, {facts['frames']} frames",
        f"  rotation   {facts['rotation_deg']} degrees",
        f"  key frames {facts['key_frames']}, every {facts['gop_s']:.2f} s; "
        f"seeking is {facts['seek']}",
        f"  audio      {', '.join(sounds) or 'none'}",
    ]
    if facts["hdr"]:
        shown.append(f"  HDR        {facts['color_transfer']}")
    return shown + [f"  note       {warning}" for warning in facts["warnings"]]


def _pixels(facts: Mapping[str, Any]) -> str:
    """What `--crop 1:1` reckons with."""
    aspect = facts["pixel_aspect"]
    return "" if aspect == "1:1" else f" of pixels {aspect}"


def hosts(catalogue: Mapping[str, Host]) -> dict[str, Any]:
    return {"hosts": [dataclasses.asdict(host) for host in catalogue.values()]}


def hosts_lines(catalogue: Mapping[str, Host], measured: Mapping[str, str]) -> list[str]:
    """`measured`: what of them was measured, in words, by their names."""
    width = max(map(len, catalogue))
    shown = []
    for host in catalogue.values():
        memory = fmt.memory(host.memory_bytes)
        price = "" if host.usd_per_month is None else f"{host.usd_per_month:g} USD a month"
        shown.append(
            f"{host.name:<{width}}  {memory:>10}  {fmt.cpus(host.cpus):>13}  {price:<18} "
            f"{host.source or ''}".rstrip()
        )
        if host.name in measured:
            shown.append(f"{'':<{width}}  {measured[host.name]}")
    return shown


def doctor_lines(found: Mapping[str, Any]) -> list[str]:
    machine, noise = found["machine"], found["noise"]
    shown = [
        f"machine   {machine['cpu']}, {machine['cores']} cores, "
        f"{fmt.size(machine['memory_bytes'])}, {'root' if machine['root'] else 'not root'}",
        f"noise     load {noise['load_1min']:.2f}, {_percent(noise['busy_fraction'])} busy, "
        f"{_percent(noise['steal_fraction'])} stolen by other machines",
    ]
    for build in found["ffmpeg"]:
        words = (
            f"{build['version']}: {', '.join(build['encoders'] + build['filters'])}"
            if build["available"]
            else build["why"]
        )
        shown.append(f"ffmpeg    {build['choice']:<8} {words}")
    for ceiling in found["ceilings"]:
        mark = "yes" if ceiling["available"] else "no "
        shown.append(f"ceiling   {ceiling['mechanism']:<8} {mark} {ceiling['why']}")
        if ceiling["remedy"] and not ceiling["available"]:
            shown.append(f"          to get it: {ceiling['remedy']}")
    shown.append(f"chosen    {found['chosen']['mechanism']}: {found['chosen']['words']}")
    if found["removed"]:
        shown.append(f"removed   {len(found['removed'])} groups that a killed clipkit left behind")
    return [*shown, f"verdict   {found['judgement']['words']}"]


def _percent(fraction: float | None) -> str:
    return "unknown" if fraction is None else fmt.percent(fraction)
