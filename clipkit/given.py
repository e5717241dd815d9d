"""From what the Python API is given to the stations' types."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

import tomli_w

from clipkit import format as fmt
from clipkit import hosts
from clipkit import settings as settings_station
from clipkit.arguments import why_no_time
from clipkit.campaign.experiment import Experiment
from clipkit.campaign.experiment_file import parse_experiment, read_experiment_file
from clipkit.ceiling.base import Mechanism
from clipkit.errors import ExperimentError, UsageError
from clipkit.hosts import Host
from clipkit.legal import unknown_word
from clipkit.media import sample
from clipkit.media.upload import Upload
from clipkit.plan.clips import Clip, Job, spread
from clipkit.settings import Settings

PathLike = str | Path
Asked = PathLike | Mapping[str, Any]
Yes = Literal[True]
No = Literal[False]
ASKED = Path("the experiment")
"""What errors call an experiment that is no file."""


class Sweeping(TypedDict, total=False):
    """What `sweep` takes however it runs."""

    results: PathLike
    name: str | None
    ceiling: str | None
    shard: str | None
    accept_noise: bool
    retry: Sequence[str]


@contextlib.contextmanager
def experiment_on_disk(given: Asked) -> Iterator[tuple[Path, Experiment]]:
    """An experiment's file, and what it says; one that was given as a dict is written meanwhile."""
    if not isinstance(given, Mapping):
        file = Path(given).absolute()
        yield file, read_experiment_file(file)
        return
    text = _toml(given)
    if not fmt.is_text(text):
        raise ExperimentError(f"{ASKED} names a file in bytes that are no UTF-8: rename it first")
    asked = parse_experiment(text, ASKED)
    with tempfile.TemporaryDirectory(prefix="clipkit-experiment-") as scratch:
        file = Path(scratch, "experiment.toml")
        file.write_text(text, "utf-8")
        yield file, asked


def _toml(asked: Mapping[str, Any]) -> str:
    """An experiment's file. Its uploads become absolute: they are relative to where we are, the
    file's would be to where it lies."""
    document = dict(asked)
    job = document.get("job")
    if isinstance(job, Mapping) and "uploads" in job:
        given = job["uploads"]
        words = [given] if isinstance(given, str | Path) else given
        document["job"] = {**job, "uploads": [_absolute(word) for word in words]}
    try:
        return tomli_w.dumps(document)
    except TypeError as error:
        raise ExperimentError(f"{ASKED}: no TOML can hold this: {error}") from None


def _absolute(word: PathLike) -> str:
    path = Path(word).absolute()
    is_sample = isinstance(word, str) and (sample.is_name(word) or word.startswith("sample-"))
    return str(word) if is_sample and not path.exists() else str(path)


def given_settings(given: Settings | Mapping[str, Any] | PathLike | None) -> Settings:
    if isinstance(given, Settings):
        return given
    if isinstance(given, str | Path):
        return settings_station.load_settings(Path(given))
    return settings_station.from_mapping(given or {}, "settings")


def given_job(
    upload: Upload,
    clips: Sequence[tuple[float, float]] | None,
    count: int | None,
    length_s: float | None,
    seed: int | None,
) -> Job:
    if clips is not None:
        if (count, length_s, seed) != (None, None, None):
            raise UsageError("clips lists the clips: leave out count, length_s and seed")
        return Job(upload, tuple(Clip(start_s, duration_s) for start_s, duration_s in clips))
    if count is None or length_s is None:
        raise UsageError("say which clips: either clips, or count and length_s")
    return spread(upload, count, length_s, seed)


def given_limit_s(seconds: float) -> float:
    """Raises UsageError for what is no time limit of a job."""
    if wrong := why_no_time(seconds):
        raise UsageError(f"timeout_s: {wrong}")
    return seconds


def given_mechanism(word: str | None, host: Host) -> Mechanism | None:
    """None: the best that this machine has."""
    if word is None:
        return Mechanism.NONE if host.unlimited else None
    return forced_mechanism(word)


def sweep_options(
    ceiling: str | None, shard: str | None, accept_noise: bool, retry: Sequence[str]
) -> list[str]:
    """As `clipkit sweep` has them. Raises UsageError for a ceiling that does not exist."""
    words = [] if ceiling is None else ["--ceiling", forced_mechanism(ceiling)]
    words += [] if shard is None else ["--shard", shard]
    words += ["--accept-noise"] if accept_noise else []
    return words + [word for end in retry for word in ("--retry", end)]


def forced_mechanism(word: str) -> Mechanism:
    try:
        return Mechanism(word)
    except ValueError:
        raise UsageError(unknown_word("ceiling", word, Mechanism)) from None


def given_host(host: Host | str | None, memory: str | int | None, cpus: float | None) -> Host:
    base = host if isinstance(host, Host) else hosts.find_host(host or hosts.UNLIMITED)
    return hosts.custom(base, None if memory is None else hosts.parse_size(str(memory)), cpus)
