"""An experiment's file, checked key by key: every error names file, key and legal values.

Touches nothing but the file.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from clipkit import hosts
from clipkit.campaign.experiment import OF_A_SERVICE, Experiment, Levels, Place, rule_matches
from clipkit.campaign.readers import (
    LEVELS,
    SETTING_LEVELS,
    host_level,
    name_level,
    start_level,
    template_level,
)
from clipkit.campaign.strategies import DEFAULT_STRATEGY, STRATEGIES
from clipkit.documents import parse_toml
from clipkit.errors import ExperimentError
from clipkit.keys import Reader, Table, number_between, one_of, text_level, whole_number
from clipkit.legal import LONGEST_S
from clipkit.plan.drive_file import routes_of
from clipkit.plan.own_service import OwnServer
from clipkit.plan.services import SAME, SERVICE
from clipkit.plan.subjects import ENGINE, OF_A_COMMAND
from clipkit.settings import knobs
from clipkit.trial.visit import Manner

_OF_SERVICES = ("rest_s", "jobs")
"""How services are visited."""


def read_experiment_file(path: Path) -> Experiment:
    """The experiment in that file. Raises ExperimentError naming file, key and the legal values."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ExperimentError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ExperimentError(f"{path} is no text in UTF-8") from None
    return parse_experiment(text, path)


def parse_experiment(text: str, path: Path) -> Experiment:
    """The experiment in `text`; `path` says where it is from: uploads are relative to its folder."""
    try:
        document = parse_toml(text)
    except ValueError as error:
        raise ExperimentError(f"{path} is not TOML: {error}") from None
    top = Table(str(path), "", document, ExperimentError)
    top.only("name", "job", "subject", "drive", "host", "settings", "variants", "exclude", "run")
    name = top.one("name", name_level, path.stem)
    job, subject, run = top.table("job"), top.table("subject"), top.table("run")
    strategy = run.one("strategy", one_of(STRATEGIES), DEFAULT_STRATEGY)
    factors = {
        **_job(job, strategy),
        "subject": subject.levels("name", LEVELS["subject"], (ENGINE,)),
        "service": subject.levels("service", LEVELS["service"], (None,)),
        "argv": subject.levels("argv", LEVELS["argv"], (SAME,)),
        "environment": subject.levels("environment", LEVELS["environment"], (None,)),
        "place": _places(top.tables("host")),
        **_settings(top.table("settings")),
    }
    command = _command(subject, factors["subject"])
    variants = tuple(_variant(table) for table in top.tables("variants")) or ((None, {}),)
    if any(levels.get("subject") in OF_A_COMMAND for _, levels in variants) and not command:
        raise subject.error("command", "a variant's subject needs it")
    _check_services(subject, factors, [levels for _, levels in variants])
    names = [name for name, _ in variants]
    if len(set(names)) < len(names):
        raise top.error("variants", f"each needs a name of its own, not {names}")
    exclusions = top.tables("exclude")
    experiment = Experiment(
        name=name,
        path=path.absolute(),
        text=text,
        factors=factors,
        variants=variants,
        excluded=tuple(_rule(table, names) for table in exclusions),
        clips_seed=job.one("seed", whole_number(0, 2**63 - 1), None),
        command=command,
        strategy=strategy,
        options=_options(run, strategy),
        seed=run.one("seed", whole_number(0, 2**63 - 1), 0),
        timeout_s=run.one("timeout_s", number_between(0.001, LONGEST_S), 600.0),
        rest_s=subject.one("rest_s", number_between(0, 3600), Manner().rest_s),
        jobs=subject.one("jobs", whole_number(1, 10_000), Manner().jobs),
        server=_server(top, subject, factors["service"]),
    )
    _check_exclusions(experiment, exclusions)
    return experiment


def _check_exclusions(experiment: Experiment, tables: Sequence[Table]) -> None:
    """A rule that matches nothing holds a misspelt level."""
    everything = list(replace(experiment, excluded=()).combinations())
    for table, rule in zip(tables, experiment.excluded, strict=True):
        if not any(rule_matches(rule, found) for found in everything):
            raise table.error("", "excludes nothing: no cell has these levels")
    if all(any(rule_matches(rule, found) for rule in experiment.excluded) for found in everything):
        raise ExperimentError(f"{tables[0].path}: [exclude]: leaves no cell")


# -- the tables ------------------------------------------------------------------------------


def _options(run: Table, strategy: str) -> dict[str, Any]:
    """The strategy's own keys of `[run]`, each checked by its reader."""
    kind = STRATEGIES[strategy]
    run.only("strategy", "seed", "timeout_s", *kind.keys)
    found = {key: run.one(key, read, default) for key, (read, default) in kind.keys.items()}
    if kind.one_needed and all(found[key] is None for key in kind.one_needed):
        raise run.error("", f"strategy '{strategy}' needs {' or '.join(kind.one_needed)}")
    return found


def _job(job: Table, strategy: str) -> dict[str, tuple[Any, ...]]:
    job.only("uploads", "clips", "length_s", "seed")
    at_once = STRATEGIES[strategy].clips_at_once
    if at_once and "clips" in job:
        raise job.error(
            "clips", f"with the strategy '{strategy}' as many as run at once: leave it out"
        )
    return {
        "upload": job.levels("uploads", LEVELS["upload"], ("sample",)),
        "clips": (None,) if at_once else job.levels("clips", LEVELS["clips"], (12,)),
        "length_s": job.levels("length_s", LEVELS["length_s"], (12.0,)),
    }


def _places(tables: Sequence[Table]) -> tuple[Place, ...]:
    """`[host]`, or several `[[host]]`: plans by name, or every memory with every CPU."""
    unlimited = hosts.find_host(hosts.UNLIMITED)
    found: list[Place] = []
    for table in tables:
        table.only("name", "memory", "cpus", "reserve")
        sizes = table.levels("memory", LEVELS["memory"], ())
        cores = table.levels("cpus", LEVELS["cpus"], ())
        if sizes or cores:
            if "name" in table:
                raise table.error("name", "give either a plan's name, or memory and cpus")
            both = itertools.product(sizes or (None,), cores or (None,))
            known = [hosts.custom(unlimited, memory_bytes, cpus) for memory_bytes, cpus in both]
        else:
            known = [
                hosts.find_host(plan)
                for plan in table.levels("name", host_level, (hosts.UNLIMITED,))
            ]
        for host, reserve_bytes in itertools.product(
            known, table.levels("reserve", LEVELS["reserve"], (0,))
        ):
            if host.memory_bytes is not None and reserve_bytes >= host.memory_bytes:
                raise table.error("reserve", f"leaves nothing of host {host.name}'s memory")
            found.append(Place(host, reserve_bytes))
    return tuple(dict.fromkeys(found)) or (Place(unlimited, 0),)


def _settings(table: Table) -> dict[str, tuple[Any, ...]]:
    table.only(*SETTING_LEVELS)
    return {
        knob.name: table.levels(knob.name, SETTING_LEVELS[knob.name], (knob.default,))
        for knob in knobs()
    }


def _command(subject: Table, chosen: tuple[Any, ...]) -> str | None:
    subject.only("name", "command", *OF_A_SERVICE, *_OF_SERVICES, "start", "folder")
    command: str | None = subject.one("command", template_level, None)
    named = OF_A_COMMAND.intersection(chosen)
    if named and command is None:
        raise subject.error("command", f"missing, though the subject '{min(named)}' is asked for")
    return command


def _check_services(
    subject: Table, factors: Mapping[str, tuple[Any, ...]], variants: Sequence[Levels]
) -> None:
    """A service is named where one is asked for, and one is asked for where one is named."""
    every = [{**{name: known[0] for name, known in factors.items()}, **fixed} for fixed in variants]
    asked = SERVICE in factors["subject"] or any(each["subject"] == SERVICE for each in every)
    for key in (*OF_A_SERVICE, *_OF_SERVICES):
        if key in subject and not asked:
            raise subject.error(key, f"is for the subject '{SERVICE}', which is not asked for")
    if any(each["service"] is None for each in every if each["subject"] == SERVICE):
        raise subject.error("service", f"missing, though the subject '{SERVICE}' is asked for")


def _server(top: Table, subject: Table, named: tuple[Any, ...]) -> OwnServer | None:
    """A server of the user's own, which `[drive]` describes as a `drive.toml` does."""
    if "drive" not in top:
        if "start" in subject or "folder" in subject:
            raise subject.error("start", "is for a server of your own: describe it by [drive]")
        return None
    start = subject.one("start", start_level, None)
    if start is None:
        raise subject.error("start", "missing: say what starts the server that [drive] describes")
    if len(named) != 1 or named[0] is None:
        raise subject.error("service", "the server that [drive] describes needs one name")
    place = Path(top.path).absolute().parent / subject.one("folder", text_level, ".")
    routes = routes_of(top.table("drive").content, top.path, "drive")
    return OwnServer(named[0], start, place, routes)


def _variant(table: Table) -> tuple[str, Levels]:
    """A name, and one level of each factor that it fixes: settings, and who cuts."""
    who = ("subject", *OF_A_SERVICE)
    table.only("name", *who, *SETTING_LEVELS)
    known = {name: LEVELS[name] for name in who} | SETTING_LEVELS
    fixed = {name: table.one(name, read, None) for name, read in known.items() if name in table}
    name: str | None = table.one("name", text_level, None)
    if name is None:
        raise table.error("name", "missing: say what this variant is called")
    return name, fixed


def _rule(table: Table, variants: Sequence[str | None]) -> dict[str, tuple[Any, ...]]:
    """Factor -> the levels that are excluded together."""
    variant = one_of([name for name in variants if name])
    known: dict[str, Reader] = {**LEVELS, "variant": variant, "host": text_level}
    table.only(*known)
    rule = {name: table.levels(name, read, ()) for name, read in known.items() if name in table}
    if not rule:
        raise table.error("", "is empty and would exclude everything")
    return rule
