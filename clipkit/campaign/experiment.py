"""An experiment's file: factors and their levels, checked key by key. Touches nothing but the file."""

from __future__ import annotations

import itertools
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clipkit import hosts
from clipkit.campaign.keys import Table
from clipkit.errors import ClipkitError, ExperimentError
from clipkit.hosts import Host
from clipkit.plan import baselines
from clipkit.plan.subjects import NAMES as SUBJECTS
from clipkit.records.store import named
from clipkit.settings import Knob, Settings, knobs

# What TOML cannot say: that a setting is left to the preset.
_LEFT_OUT = "default"

Levels = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A host, and what of its memory is kept for the user's own server."""

    host: Host
    reserve_bytes: int


@dataclass(frozen=True, slots=True)
class Experiment:
    """`factors`: name -> levels, in the file's order of tables; every combination is a cell.

    The names are `upload`, `clips`, `length_s`, `subject`, `place` (`Place`) and every setting. `variants`: further combinations that fix some factors, each with a name; without
    any, one that fixes none. `excluded`: a cell that has one of the listed levels of every factor
    in such a rule is left out.
    """

    name: str
    path: Path
    text: str
    factors: dict[str, tuple[Any, ...]]
    variants: tuple[tuple[str | None, Levels], ...]
    excluded: tuple[dict[str, tuple[Any, ...]], ...]
    clips_seed: int | None
    command: str | None
    blocks: int
    seed: int
    timeout_s: float

    def combinations(self) -> Iterator[Levels]:
        """Every combination of levels that is not excluded; among them `variant`, its name, and
        `fixed`, the factors that it fixes."""
        for name, fixed in self.variants:
            levels = {**self.factors, **{factor: (level,) for factor, level in fixed.items()}}
            for combined in itertools.product(*levels.values()):
                chosen = dict(zip(levels, combined, strict=True))
                found = {"variant": name, "fixed": frozenset(fixed), **chosen}
                if not any(_matches(rule, found) for rule in self.excluded):
                    yield found

    @property
    def varying(self) -> list[str]:
        """The factors with more than one level."""
        levels = {factor: set(known) for factor, known in self.factors.items()}
        for _, fixed in self.variants:
            for factor, level in fixed.items():
                levels[factor].add(level)
        return [factor for factor, known in levels.items() if len(known) > 1]


def _matches(rule: Mapping[str, tuple[Any, ...]], found: Levels) -> bool:
    place: Place = found["place"]
    shown = found | {
        "host": place.host.name,
        "memory": place.host.memory_bytes,
        "cpus": place.host.cpus,
        "reserve": place.reserve_bytes,
    }
    return all(shown[factor] in levels for factor, levels in rule.items())


def read(path: Path) -> Experiment:
    """The experiment in that file. Raises ExperimentError naming file, key and the legal values."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ExperimentError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ExperimentError(f"{path} is no text in UTF-8") from None
    return parse(text, path)


def parse(text: str, path: Path) -> Experiment:
    """The experiment in `text`; `path` says where it is from: uploads are relative to its folder."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ExperimentError(f"{path} is not TOML: {error}") from None
    top = Table(str(path), "", document)
    top.only("name", "job", "subject", "host", "settings", "variants", "exclude", "run")
    name = top.one("name", _name, path.stem)
    job, subject, run = top.table("job"), top.table("subject"), top.table("run")
    factors = {
        **_job(job),
        "subject": subject.levels("name", _choice(SUBJECTS), ("clipkit",)),
        "place": _places(top.tables("host")),
        **_settings(top.table("settings")),
    }
    command = _command(subject, factors["subject"])
    variants = tuple(_variant(table) for table in top.tables("variants")) or ((None, {}),)
    if any("command" in levels.get("subject", ()) for _, levels in variants) and not command:
        raise subject.error("command", "a variant's subject needs it")
    names = [name for name, _ in variants]
    if len(set(names)) < len(names):
        raise top.error("variants", f"each needs a name of its own, not {names}")
    exclusions = top.tables("exclude")
    run.only("strategy", "blocks", "seed", "timeout_s")
    run.one("strategy", _choice(("grid",)), "grid")
    experiment = Experiment(
        name=name,
        path=path.absolute(),
        text=text,
        factors=factors,
        variants=variants,
        excluded=tuple(_rule(table, names) for table in exclusions),
        clips_seed=job.one("seed", _whole(0, 2**63 - 1), None),
        command=command,
        blocks=run.one("blocks", _whole(1, 1000), 3),
        seed=run.one("seed", _whole(0, 2**63 - 1), 0),
        timeout_s=run.one("timeout_s", _number(0.001, 86_400), 600.0),
    )
    _check_exclusions(experiment, exclusions)
    return experiment


def _check_exclusions(experiment: Experiment, tables: Sequence[Table]) -> None:
    """A rule that matches nothing holds a misspelt level."""
    everything = list(replace(experiment, excluded=()).combinations())
    for table, rule in zip(tables, experiment.excluded, strict=True):
        if not any(_matches(rule, found) for found in everything):
            raise table.error("", "excludes nothing: no cell has these levels")
    if all(any(_matches(rule, found) for rule in experiment.excluded) for found in everything):
        raise ExperimentError(f"{tables[0].path}: [exclude]: leaves no cell")


# -- the tables ------------------------------------------------------------------------------


def _job(job: Table) -> dict[str, tuple[Any, ...]]:
    job.only("uploads", "clips", "length_s", "seed")
    return {
        "upload": job.levels("uploads", _text, ("sample",)),
        "clips": job.levels("clips", _whole(1, 10_000), (12,)),
        "length_s": job.levels("length_s", _number(0.001, 86_400), (12.0,)),
    }


def _places(tables: Sequence[Table]) -> tuple[Place, ...]:
    """`[host]`, or several `[[host]]`: plans by name, or every memory with every CPU."""
    unlimited = hosts.find(hosts.UNLIMITED)
    found: list[Place] = []
    for table in tables:
        table.only("name", "memory", "cpus", "reserve")
        sizes = table.levels("memory", _size, ())
        cores = table.levels("cpus", _number(0.01, 1024), ())
        if sizes or cores:
            if "name" in table:
                raise table.error("name", "give either a plan's name, or memory and cpus")
            both = itertools.product(sizes or (None,), cores or (None,))
            known = [hosts.custom(unlimited, memory_bytes, cpus) for memory_bytes, cpus in both]
        else:
            known = [hosts.find(plan) for plan in table.levels("name", _host, (hosts.UNLIMITED,))]
        for host, reserve_bytes in itertools.product(known, table.levels("reserve", _size, (0,))):
            if host.memory_bytes is not None and reserve_bytes >= host.memory_bytes:
                raise table.error("reserve", f"leaves nothing of host {host.name}'s memory")
            found.append(Place(host, reserve_bytes))
    return tuple(dict.fromkeys(found)) or (Place(unlimited, 0),)


def _settings(table: Table) -> dict[str, tuple[Any, ...]]:
    table.only(*(knob.name for knob in knobs()))
    return {knob.name: table.levels(knob.name, _knob(knob), (knob.default,)) for knob in knobs()}


def _command(subject: Table, chosen: tuple[Any, ...]) -> str | None:
    subject.only("name", "command")
    command: str | None = subject.one("command", _template, None)
    if "command" in chosen and command is None:
        raise subject.error("command", "missing, though the subject 'command' is asked for")
    return command


def _variant(table: Table) -> tuple[str, Levels]:
    """A name, and one level of each factor that it fixes: settings and `subject`."""
    known = {knob.name: _knob(knob) for knob in knobs()}
    table.only("name", "subject", *known)
    fixed = {name: table.one(name, read, None) for name, read in known.items() if name in table}
    if "subject" in table:
        fixed["subject"] = table.one("subject", _choice(SUBJECTS), None)
    name: str | None = table.one("name", _text, None)
    if name is None:
        raise table.error("name", "missing: say what this variant is called")
    return name, fixed


def _rule(table: Table, variants: Sequence[str | None]) -> dict[str, tuple[Any, ...]]:
    """Factor -> the levels that are excluded together."""
    known: dict[str, Reader] = {
        "upload": _text,
        "clips": _whole(1, 10_000),
        "length_s": _number(0.001, 86_400),
        "subject": _choice(SUBJECTS),
        "variant": _choice([name for name in variants if name]),
        "host": _text,
        "memory": _size,
        "cpus": _number(0.01, 1024),
        "reserve": _size,
        **{knob.name: _knob(knob) for knob in knobs()},
    }
    table.only(*known)
    rule = {name: table.levels(name, read, ()) for name, read in known.items() if name in table}
    if not rule:
        raise table.error("", "is empty and would exclude everything")
    return rule


# -- readers: what a level may be. Each raises ExperimentError or another ClipkitError in words ---

Reader = Callable[[Any], Any]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ExperimentError("a text that is not empty")
    return value


def _name(value: Any) -> str:
    return named(_text(value))


def _template(value: Any) -> str:
    text = _text(value)
    baselines.parse(text, "it")
    return text


def _choice(known: Sequence[str]) -> Reader:
    def read(value: Any) -> str:
        if value not in known:
            raise ExperimentError(f"one of {', '.join(known)}")
        return str(value)

    return read


def _whole(low: int, high: int) -> Reader:
    def read(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ExperimentError(f"a whole number from {low} to {high}")
        return value

    return read


def _number(low: float, high: float) -> Reader:
    def read(value: Any) -> float:
        if type(value) not in (int, float) or not math.isfinite(value) or not low <= value <= high:
            raise ExperimentError(f"a number from {low:g} to {high:g}")
        return float(value)

    return read


def _size(value: Any) -> int:
    if not isinstance(value, str):
        raise ExperimentError("a size as text, such as '512M'")
    return hosts.parse_size(value)


def _host(value: Any) -> str:
    return str(_choice(list(hosts.catalogue()))(value))


def _knob(knob: Knob) -> Reader:
    def read(value: Any) -> Any:
        if knob.absent and value == _LEFT_OUT:
            return None
        knob.check(value)
        return value

    def told(value: Any) -> Any:
        try:
            return read(value)
        except ClipkitError:
            legal = knob.legal.replace("left out:", f"'{_LEFT_OUT}':")
            raise ExperimentError(legal) from None

    return told


def settings_of(levels: Levels) -> Settings:
    """The settings among a combination's levels."""
    return Settings(**{knob.name: levels[knob.name] for knob in knobs()})
