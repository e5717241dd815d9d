"""What a level in an experiment's file may be, by its key: each reader returns the level, or raises
ExperimentError or another ClipkitError that says in words what is legal."""

from __future__ import annotations

from typing import Any

from clipkit import hosts
from clipkit.errors import ClipkitError, ExperimentError
from clipkit.keys import Reader, number_between, one_of, text_level, whole_number
from clipkit.knob import Knob
from clipkit.legal import LONGEST_S, legal_are
from clipkit.plan import baselines
from clipkit.plan.drive_file import NAME
from clipkit.plan.own_service import start_words
from clipkit.plan.services import WORDS, read_environment
from clipkit.plan.subjects import KINDS
from clipkit.records.store import campaign_named
from clipkit.settings import knobs

LEFT_OUT = "default"
"""What TOML cannot say: that a setting is left to the preset."""


def name_level(value: Any) -> str:
    return campaign_named(text_level(value))


def template_level(value: Any) -> str:
    text = text_level(value)
    baselines.parse_template(text, "it")
    return text


def start_level(value: Any) -> str:
    text = text_level(value)
    start_words(text)
    return text


def size_level(value: Any) -> int:
    if not isinstance(value, str):
        near = f"; did you mean '{value}M'?" if type(value) is int else ""
        raise ExperimentError(f"{legal_are(['sizes as text, such as 512M'])}{near}")
    return hosts.parse_size(value)


def host_level(value: Any) -> str:
    return str(one_of(list(hosts.catalogue()))(value))


def service_level(value: Any) -> str:
    """A backend's name. Whether there is such a one is seen when its cells are laid out: an experiment is
    also read where its backends are not, with a campaign of another machine."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ExperimentError(legal_are(["names of backends, such as node"]))
    return value


def environment_level(value: Any) -> str | None:
    """What a service is told besides; `LEFT_OUT`: nothing."""
    text = text_level(value)
    if text == LEFT_OUT:
        return None
    return " ".join(f"{name}={told}" for name, told in read_environment(text).items())


def knob_level(knob: Knob) -> Reader:
    def read(value: Any) -> Any:
        if knob.absent and value == LEFT_OUT:
            return None
        try:
            knob.check(value)
        except ClipkitError:
            legal = knob.legal.replace("left out:", f"'{LEFT_OUT}':")
            raise ExperimentError(legal_are([legal])) from None
        return value

    return read


SETTING_LEVELS: dict[str, Reader] = {knob.name: knob_level(knob) for knob in knobs()}

LEVELS: dict[str, Reader] = {
    "upload": text_level,
    "clips": whole_number(1, 10_000),
    "length_s": number_between(0.001, LONGEST_S),
    "subject": one_of(KINDS),
    "service": service_level,
    "argv": one_of(WORDS),
    "environment": environment_level,
    "memory": size_level,
    "cpus": number_between(0.01, 1024),
    "reserve": size_level,
    **SETTING_LEVELS,
}
"""By a column's key (`records.columns`): what an experiment may vary."""
