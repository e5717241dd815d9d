"""A tuning's words and plain tables: the verdict, the trials, the settings, what it was measured on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from clipkit import format
from clipkit.masked import escaped
from clipkit.plan.auto import ENCODE
from clipkit.plan.subjects import TUNABLE
from clipkit.records.campaign import Campaign
from clipkit.records.evidence import settings_words, varying_settings
from clipkit.records.status import Status
from clipkit.report.charts.subject_rows import subjects_of, unmeasured_subjects
from clipkit.report.exhibits.exhibit import Section
from clipkit.report.exhibits.prose import html_list, prose
from clipkit.settings import knobs
from clipkit.tables import Table
from clipkit.tuning.mode_rows import modes_table
from clipkit.tuning.recommendation import Recommendation, recommendation_toml


def verdict_section(campaign: Campaign, known: Recommendation) -> Section:
    """What was asked, and the answer, in a sentence; before it, whether its attempts count."""
    head = "<br>".join(prose(line) for line in known.headline)
    warning = verdict_warning(campaign, known)
    warned = f'<p style="color:#a33c00"><strong>{prose(warning)}</strong></p>' if warning else ""
    further = "".join(f"<p>{prose(line)}</p>" for line in known.further.values() if line)
    return Section(f"<p>{head}</p>{warned}<p><strong>{prose(known.verdict)}</strong></p>{further}")


def verdict_warning(campaign: Campaign, known: Recommendation) -> str:
    """Of whom no attempt counts though the verdict speaks of it; empty where there is none such."""
    unmeasured = unmeasured_subjects(campaign.table, known)
    if not unmeasured:
        return ""
    whole = list(unmeasured) == subjects_of(known)
    who = "this verdict" if whole else " and ".join(unmeasured)
    figures = "its figures rest" if whole else "what the verdict says of it rests"
    why = ", ".join(dict.fromkeys(unmeasured.values()))
    return f"No attempt of {who} counts ({why}): {figures} on nothing. Measure it again: `{known.again}`"


def reasons_section(known: Recommendation) -> Section:
    """Why it is so."""
    return Section(f"{html_list(known.why)}{_modes(known)}")


def change_section(known: Recommendation) -> Section:
    """What to do, and the file to copy."""
    toml = escaped(recommendation_toml(known))
    return Section(
        f"{html_list(known.do)}{_choices(known)}<p><code>clipkit.toml</code>, for "
        f"<code>clipkit cut --config clipkit.toml</code>:</p><pre>{toml}</pre>"
    )


def _modes(known: Recommendation) -> str:
    """The modes that took part, one beside the other."""
    return modes_table(known.modes)._repr_html_() if known.modes else ""


def _choices(known: Recommendation) -> str:
    """Other pictures to choose from, where they were asked for."""
    if known.choices is None or known.quality is None:
        return ""
    return known.choices._repr_html_() + html_list(known.quality["notes"])


def trials_table(campaign: Campaign) -> Table:
    """Every attempt in its running order, spoilt ones included."""
    tuned = campaign.table["subject"].isin(TUNABLE)
    differing = varying_settings(campaign.table[tuned])
    heads = (
        "no.",
        "for",
        "subject",
        "settings that differ",
        "ended",
        "clips",
        "wall time",
        "first clip",
        "CPU of ffmpeg",
        "CPU of orchestrator",
        "held back",
        "peak memory",
        "RSS of one ffmpeg",
        "RSS of orchestrator",
        "load before",
    )
    ordered = campaign.table.sort_values(["order", "attempt"], kind="stable")
    rows = tuple(_trial(row, differing) for row in ordered.to_dict("records"))
    caption = f"{len(rows)} attempts; peak memory: anonymous, whole job, reserve excluded"
    return Table(heads, rows, caption)


def recommended_section(known: Recommendation) -> Section:
    """The settings for the host, what they cost, and which others would do as well."""
    headroom = f"{format.size(known.headroom_bytes)} of {format.size(known.host.memory_bytes)}"
    costs = Table(
        ("", "predicted", "confirmed", "95 % interval"),
        (
            (
                "wall time of the job",
                format.seconds(known.predicted_wall_s),
                format.seconds(known.confirmed_wall_s),
                "–"
                if known.confirmed_ci95_s is None
                else " – ".join(map(format.number, known.confirmed_ci95_s)) + " s",
            ),
            ("peak memory, reserve excluded", "–", known.peak_words, "–"),
            ("headroom under the ceiling", "–", headroom, "–"),
            ("CPU of the job", "–", format.seconds(known.cpu_s), "–"),
        ),
        caption=f"On {known.host.name}, {_host_words(known)}, ceiling by {known.ceiling}",
    )
    return Section(costs._repr_html_() + _settings_table(known)._repr_html_() + _ties(known))


def measured_on_section(campaign: Campaign, known: Recommendation) -> Section:
    """Machine, upload and job, and how to measure it again."""
    facts = {
        "asked for": known.job,
        "measured": known.measured_job,
        "upload": campaign.uploads,
        "environment": campaign.environment,
    }
    rows = tuple(row for name, values in facts.items() for row in _flat(name, values))
    again = f"<p>Measure it again:</p><pre>{escaped(known.again)}</pre>"
    table = Table(("what", "value"), rows)._repr_html_()
    return Section(f"<p>{prose(known.measured_on)}</p>{again}{table}")


def limits_section(known: Recommendation) -> Section:
    """What this does not show."""
    return Section(html_list(known.unmeasured))


def _trial(row: Mapping[Any, Any], differing: list[str]) -> tuple[str, ...]:
    def shown(column: str, words: Any) -> str:
        return "–" if pd.isna(row[column]) else str(words(row[column]))

    ended = Status(row["status"]).words
    return (
        str(row["order"]),
        row["phase"],
        row["subject"],
        settings_words(row, differing) if row["subject"] in TUNABLE else "its own",
        ended if pd.isna(row["error"]) else f"{ended}: {row['error']}",
        str(row["clips"]),
        shown("wall_s", format.seconds),
        shown("first_clip_s", format.seconds),
        shown("ffmpeg_cpu_s", format.seconds),
        shown("orchestrator_cpu_s", format.seconds),
        shown("throttled_s", format.seconds),
        shown("peak_anon_bytes", format.size),
        shown("ffmpeg_peak_rss_bytes", format.size),
        shown("orchestrator_peak_rss_bytes", format.size),
        shown("load_before", lambda load: f"{load:.2f}"),
    )


def _settings_table(known: Recommendation) -> Table:
    chosen = known.settings
    rows = tuple(
        (knob.name, _setting(getattr(chosen, knob.name)), _setting(knob.default), knob.help)
        for knob in knobs()
    )
    changed = frozenset(
        index for index, knob in enumerate(knobs()) if knob.name in chosen.changed()
    )
    heads = ("setting", "recommended", "default", "what it is")
    return Table(heads, rows, marked=changed)


def _ties(known: Recommendation) -> str:
    ties = known.ties
    if not ties and known.settings.mode != ENCODE:
        return "<p>In that mode no other settings were tried: these did best at re-encoding.</p>"
    if not ties:
        return "<p>Nothing else came within the noise of it.</p>"
    chosen = known.settings
    rows = tuple(
        (
            ", ".join(
                f"{name} = {_setting(value)}"
                for name, value in tie.settings.items()
                if value != getattr(chosen, name, None)
            ),
            format.seconds(tie.predicted_wall_s),
            format.size(tie.peak_anon_bytes),
        )
        for tie in ties
    )
    caption = "Ties: within the noise of the best"
    return Table(("differs by", "predicted", "peak memory"), rows, caption)._repr_html_()


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "as the preset has it" if value is None else str(value)


def _host_words(known: Recommendation) -> str:
    return (
        f"{format.size(known.host.memory_bytes)} and {format.cpus(known.host.cpus)}, "
        f"{format.size(known.reserve_bytes)} in reserve"
    )


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Nested JSON as rows: `environment · cgroup · version`; a home folder in it is a tilde."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{name} · {key}", inner)
    elif isinstance(value, list) and len(value) > 12:
        yield name, f"{len(value)} values, {value[0]} to {value[-1]}"
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield name, format.without_home(text)
