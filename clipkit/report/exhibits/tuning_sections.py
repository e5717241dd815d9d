"""The report's words and plain tables: the verdict, the trials, the optimum, what it was measured on."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from clipkit import format
from clipkit.records.evidence import settings_words, varying
from clipkit.report.exhibits.prose import listed, prose
from clipkit.report.exhibits.study import Study
from clipkit.report.exhibits.subjects import outcome
from clipkit.settings import knobs
from clipkit.tables import Table
from clipkit.tuning import recommendation as recommendations


@dataclass(frozen=True, slots=True)
class Section:
    """A finished piece of HTML, every word from outside escaped."""

    markup: str

    def _repr_html_(self) -> str:
        return self.markup


def verdict(study: Study) -> Section:
    """What was asked, and the answer, in a sentence."""
    known = study.recommendation
    head = "<br>".join(prose(line) for line in known.headline)
    return Section(f"<p>{head}</p><p><strong>{prose(known.verdict)}</strong></p>")


def why(study: Study) -> Section:
    """The reasons."""
    return Section(listed(study.recommendation.why))


def change(study: Study) -> Section:
    """What to do, and the file to copy."""
    known = study.recommendation
    toml = html.escape(recommendations.to_toml(known))
    return Section(
        f"{listed(known.do)}<p><code>clipkit.toml</code>, for "
        f"<code>clipkit cut --config clipkit.toml</code>:</p><pre>{toml}</pre>"
    )


def trials(study: Study) -> Table:
    """Every attempt in its running order, spoilt ones included."""
    ours = study.table["subject"] == "clipkit"
    differing = varying(study.table[ours])
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
    ordered = study.table.sort_values(["order", "attempt"], kind="stable")
    rows = tuple(_trial(row, differing) for row in ordered.to_dict("records"))
    caption = f"{len(rows)} attempts; peak memory: anonymous, whole job, reserve excluded"
    return Table(heads, rows, caption)


def optimum(study: Study) -> Section:
    """The settings for the host, what they cost, and which others would do as well."""
    known = study.recommendation
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
                else " – ".join(f"{bound:.3g}" for bound in known.confirmed_ci95_s) + " s",
            ),
            ("peak memory, reserve excluded", "–", format.size(known.peak_anon_bytes), "–"),
            ("headroom under the ceiling", "–", headroom, "–"),
            ("CPU of the job", "–", format.seconds(known.cpu_s), "–"),
        ),
        caption=f"On {known.host.name}, {_host_words(study)}, ceiling by {known.ceiling}",
    )
    return Section(costs._repr_html_() + _settings(study)._repr_html_() + _ties(study))


def measured_on(study: Study) -> Section:
    """Machine, upload and job, and how to measure it again."""
    known = study.recommendation
    facts = {
        "asked for": known.job,
        "measured": known.measured_job,
        "upload": study.uploads,
        "environment": study.environment,
    }
    rows = tuple(row for name, values in facts.items() for row in _flat(name, values))
    again = f"<p>Measure it again:</p><pre>{html.escape(known.again)}</pre>"
    table = Table(("what", "value"), rows)._repr_html_()
    return Section(f"<p>{prose(known.measured_on)}</p>{again}{table}")


def not_measured(study: Study) -> Section:
    """What this does not show."""
    return Section(listed(study.recommendation.unmeasured))


def _trial(row: Mapping[Any, Any], differing: list[str]) -> tuple[str, ...]:
    def shown(column: str, words: Any) -> str:
        return "–" if pd.isna(row[column]) else str(words(row[column]))

    ended = outcome(row["status"])
    return (
        str(row["order"]),
        row["phase"],
        row["subject"],
        settings_words(row, differing) if row["subject"] == "clipkit" else "its own",
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


def _settings(study: Study) -> Table:
    chosen = study.recommendation.settings
    rows = tuple(
        (knob.name, _setting(getattr(chosen, knob.name)), _setting(knob.default), knob.help)
        for knob in knobs()
    )
    changed = frozenset(
        index for index, knob in enumerate(knobs()) if knob.name in chosen.changed()
    )
    heads = ("setting", "recommended", "default", "what it is")
    return Table(heads, rows, marked=changed)


def _ties(study: Study) -> str:
    ties = study.recommendation.ties
    if not ties:
        return "<p>Nothing else came within the noise of it.</p>"
    chosen = study.recommendation.settings
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


def _host_words(study: Study) -> str:
    known = study.recommendation
    return (
        f"{format.size(known.host.memory_bytes)} and {format.cpus(known.host.cpus)}, "
        f"{format.size(known.reserve_bytes)} in reserve"
    )


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Nested JSON as rows: `environment · cgroup · version`."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{name} · {key}", inner)
    elif isinstance(value, list) and len(value) > 12:
        yield name, f"{len(value)} values, {value[0]} to {value[-1]}"
    else:
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
