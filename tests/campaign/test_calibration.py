"""How small a difference a machine can show: from invented pairs of equal runs, and from real ones."""

from __future__ import annotations

import datetime
import json
import math
import random
import signal
import statistics
from dataclasses import replace
from pathlib import Path

import pytest
from running import clipkit, finish, groups_of, start, until

from clipkit import format as fmt
from clipkit.campaign.calibration import (
    Calibration,
    Pair,
    calibrated,
    calibration_for,
    calibrations_of,
    keep,
)
from clipkit.campaign.doctor import judge_machine
from clipkit.campaign.environment import describe_environment
from clipkit.trial import machine
from clipkit.trial.machine import Noise


def pairs(count: int, log_sd: float, slope: float = 0.0, bias: float = 1.0) -> list[Pair]:
    """Of a machine whose runs differ by `log_sd`, besides following the canary by `slope`."""
    rng = random.Random(3)
    found = []
    for _ in range(count):
        canaries_s = [0.0125 * math.exp(rng.gauss(0, 0.05)) for _ in range(2)]
        walls_s = [2 * (c / 0.0125) ** slope * math.exp(rng.gauss(0, log_sd)) for c in canaries_s]
        found.append(Pair((walls_s[0], walls_s[1] * bias), (canaries_s[0], canaries_s[1])))
    return found


def told(of: list[Pair]) -> Calibration:
    return calibrated(of, 0, "machine", "cgroup1", 0.5)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIPKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class TestWhatPairsTell:
    def test_the_noise_of_a_run_is_that_of_its_pairs_by_the_root_of_two(self) -> None:
        found = told(pairs(400, 0.06))
        assert found.noise.log_sd == pytest.approx(0.06, rel=0.1)
        assert found.noise.freedom == 399

    def test_a_difference_as_small_as_the_smallest_is_shown_in_four_of_five_cases(self) -> None:
        found, rng, shown = told(pairs(400, 0.06)), random.Random(4), 0
        difference = math.log1p(found.smallest_difference(10))
        for _ in range(2000):
            logs = [rng.gauss(difference, found.pair_log_sd) for _ in range(10)]
            shown += statistics.fmean(logs) > 1.96 * found.pair_log_sd / math.sqrt(10)
        assert shown / 2000 == pytest.approx(0.8, abs=0.03)

    def test_more_pairs_show_less_and_few_equal_runs_promise_less(self) -> None:
        many, few = told(pairs(400, 0.06)), told(pairs(5, 0.06))
        shown = [many.smallest_difference(n) for n in (3, 5, 10)]
        assert shown == sorted(shown, reverse=True)
        alike = replace(few, pair_log_sd=many.pair_log_sd)
        assert alike.smallest_difference(5) > many.smallest_difference(5)

    def test_a_canary_that_the_runs_follow_removes_variance(self) -> None:
        found = told(pairs(60, 0.02, slope=1.0))
        assert found.canary_slope == pytest.approx(1.0, abs=0.15)
        assert found.canary_removes == pytest.approx(0.05**2 / (0.05**2 + 0.02**2), abs=0.1)

    def test_one_that_they_do_not_follow_has_no_slope(self) -> None:
        found = told(pairs(60, 0.06))
        assert (found.canary_slope, found.canary_removes) == (0, 0)
        assert "explains nothing" in "\n".join(found.lines())

    def test_a_bias_is_told(self) -> None:
        assert "bias      none is shown" in "\n".join(told(pairs(60, 0.02)).lines())
        found = told(pairs(60, 0.02, bias=1.05))
        assert found.bias_low < 1.05 < found.bias_high
        assert "bias      there is one" in "\n".join(found.lines())


@pytest.mark.usefixtures("cache")
class TestKeeping:
    def test_it_is_found_by_machine_ceiling_and_quota(self, cache: Path) -> None:
        found = told(pairs(9, 0.06))
        path = keep(found)
        assert path.is_relative_to(cache)
        assert calibration_for("machine", "cgroup1", 0.5) == found
        assert calibration_for("machine", None, 0.5) == found
        assert calibration_for("machine", "cgroup2", 0.5) is None
        assert calibration_for("machine", "cgroup1", None) is None
        assert calibration_for("another", "cgroup1", 0.5) is None

    def test_it_is_good_for_a_week(self) -> None:
        before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=8)
        keep(replace(told(pairs(9, 0.06)), measured_utc=before.isoformat()))
        assert calibrations_of("machine") == []

    def test_what_cannot_be_read_is_none(self) -> None:
        keep(told(pairs(9, 0.06))).write_text('{"of": "another age"}')
        assert calibrations_of("machine") == []

    def test_a_campaign_holds_a_copy(self) -> None:
        assert "calibrations" not in describe_environment([], "cgroup1")
        keep(replace(told(pairs(9, 0.06)), host_id=machine.host_id()))
        (copy,) = describe_environment([], "cgroup1")["calibrations"]
        assert copy["pairs"] == 9
        assert set(copy["smallest_difference"]) == {"3", "5", "10"}


class TestJudgement:
    quiet = Noise(0.1, 0.0, 0.1, 0.02, 0.0, 0.0125, 0.0125)

    def test_a_quiet_machine_is_said_to_be_quiet(self) -> None:
        found, words = judge_machine(self.quiet, cores=2)
        assert found
        assert words.startswith("quiet enough")

    def test_a_busy_one_is_told_with_what_it_means_and_what_to_do(self) -> None:
        found, words = judge_machine(replace(self.quiet, other_cpu_fraction=0.95), cores=2)
        assert not found
        assert words.startswith("busy: others used 95 % of the machine")
        assert "--accept-noise" in words

    def test_a_rather_busy_one_still_serves_for_small_hosts(self) -> None:
        found, words = judge_machine(replace(self.quiet, other_cpu_fraction=0.2), cores=2)
        assert not found
        assert "only on hosts of less than 1.5 CPU" in words

    def test_stolen_time_is_no_ones_to_end(self) -> None:
        found, words = judge_machine(replace(self.quiet, steal_fraction=0.2), cores=2)
        assert not found
        assert "20 % of the CPU went to other machines" in words


class TestTheCommand:
    def test_it_measures_keeps_and_tells(self, cache: Path, tmp_path: Path, small: Path) -> None:
        words = ("--calibrate", 2, "--cpus", 1, "--memory", "256M")
        ran = clipkit("doctor", *words, "--json", CLIPKIT_CACHE=str(cache))
        assert ran.code == 0, ran.err
        found = ran.json["calibration"]
        assert found["pairs"] >= 5
        assert found["cpu_quota"] == 1
        assert found["smallest_difference"]["3"] > found["smallest_difference"]["10"] > 0
        assert not groups_of(ran.pid)
        kept = calibration_for(machine.host_id(), None, 1.0)
        assert kept is not None
        assert kept.pair_log_sd == found["pair_log_sd"]

        experiment = tmp_path / "trying.toml"
        experiment.write_text(
            f"[job]\nuploads = '{small}'\nclips = 1\nlength_s = 1\n"
            "[host]\nmemory = '256M'\ncpus = 1\n[run]\nblocks = 4\n"
        )
        told = clipkit("sweep", experiment, "--dry-run", CLIPKIT_CACHE=str(cache)).out
        smallest = fmt.percent(kept.smallest_difference(4))
        assert f"differences under {smallest} will not be seen with 4 blocks" in told
        other = experiment.read_text().replace("cpus = 1", "cpus = 0.5")
        experiment.write_text(other)
        told = clipkit("sweep", experiment, "--dry-run", CLIPKIT_CACHE=str(cache)).out
        assert "how small a difference will be seen is not known" in told

    def test_an_interrupt_leaves_nothing(self, cache: Path, tmp_path: Path) -> None:
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        with start(
            "doctor", "--calibrate", CLIPKIT_CACHE=str(cache), TMPDIR=str(scratch)
        ) as process:
            until(lambda: list(scratch.glob("clipkit-calibrate-*/.clips-*")), 60)
            process.send_signal(signal.SIGINT)
            ran = finish(process)
        assert ran.code == 130
        assert "interrupted" in ran.err
        assert list(scratch.iterdir()) == []
        assert not groups_of(ran.pid)
        assert not list(cache.glob("calibrations/*"))

    def test_a_host_without_calibrate_is_refused(self) -> None:
        ran = clipkit("doctor", "--host", "render-starter")
        assert ran.code == 2
        assert "--calibrate" in ran.complaint

    def test_it_takes_no_reserve_which_no_time_depends_on(self) -> None:
        ran = clipkit("doctor", "--calibrate", "1", "--reserve", "100M")
        assert ran.code == 2
        assert "--reserve" in ran.complaint

    def test_it_ends_with_a_judgement(self) -> None:
        ran = clipkit("doctor")
        assert ran.out.splitlines()[-1].startswith("verdict ")
        judged = json.loads(clipkit("doctor", "--json").out)["judgement"]
        assert set(judged) == {"quiet", "words"}
