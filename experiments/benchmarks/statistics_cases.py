"""The cases of `statistics.py`, which says what they are for."""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import surface
from invented_machines import (
    KINDS,
    SPREAD,
    Values,
    campaign_table,
    campaign_times,
    log_times,
    pairs_of,
    tuned_machine,
)
from scipy import optimize, stats

import clipkit
from clipkit.analysis.statistics import paired_ratio
from clipkit.records.best import RECOMMENDED, TIED, ranked
from clipkit.records.campaign import open_campaign
from clipkit.records.cells import cells_of
from clipkit.records.evidence import evidence, finished_rows
from clipkit.records.noise import Noise
from clipkit.tuning import findings as found_by
from clipkit.tuning.candidates import cores_of

try:
    from clipkit.records.cells import noise_of_repeats
except ImportError:
    noise_of_repeats = None
"""Only of a clipkit that has one noise for all hosts."""

Figures = dict[str, str]
HERE = Path(__file__).resolve().parent
TREE = Path(clipkit.__file__).resolve().parents[1]
"""Of the clipkit that is examined."""
SEED = 20_251
STARTER, LARGER = surface.STARTER, surface.TWO_CORES


# -- campaigns -------------------------------------------------------------------------------


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """The cells and how they stand, by the clipkit that is imported; `run_half`: half the interval of one
    run of the cell on logarithms."""
    if noise_of_repeats is not None:
        noise = noise_of_repeats(table)
        cells = ranked(cells_of(table), noise)
        return cells.assign(run_half=noise.half_width if noise else math.nan)
    cells = ranked(cells_of(table))
    noises = zip(cells["log_sd"], cells["freedom"], strict=True)
    return cells.assign(run_half=[Noise(sd, freedom).half_width for sd, freedom in noises])


def held(inside: float, count: int) -> str:
    """`95.2 % of 4000`."""
    return f"{inside / count:.1%} of {count}"


def cell_times(times: int) -> Iterator[tuple[str, str]]:
    """A cell's time, for the mean of 1 and of 3 runs to come, in campaigns of three hosts as quick-wins."""
    quotas, blocks, cells = (0.5, 1.0, 2.0), 3, 28
    table = campaign_table(cells, blocks, quotas)
    for kind in KINDS:
        chance = np.random.default_rng(SEED)
        hits = {(quota, future): 0 for quota in quotas for future in (1, 3)}
        widths: dict[float, list[float]] = {quota: [] for quota in quotas}
        rounds = max(1, times // 100)
        for _ in range(rounds):
            logs = [
                campaign_times(chance, kind, np.zeros(cells), blocks, SPREAD[q]).ravel()
                for q in quotas
            ]
            own = judged(table.assign(wall_s=np.exp(np.concatenate(logs))))
            for quota in quotas:
                rows = own[own["cpu_quota"] == quota]
                middle = np.log(rows["wall_s"].to_numpy(dtype=float))
                half = rows["run_half"].to_numpy(dtype=float)
                widths[quota].append(float(np.median(half)) / math.sqrt(blocks))
                for future in (1, 3):
                    to_come = log_times(chance, kind, SPREAD[quota], (future, cells)).mean(axis=0)
                    reach = half * math.sqrt(1 / blocks + 1 / future)
                    hits[quota, future] += int((abs(to_come - middle) <= reach).sum())
        for (quota, future), inside in hits.items():
            share = held(inside, rounds * cells)
            width = f"cell ± {np.mean(widths[quota]):.1%}"
            yield (
                f"coverage, mean of {future} held-out runs, {quota:g} CPU, {kind}",
                f"{share}, {width}",
            )


def best_of_equals(times: int) -> Iterator[tuple[str, str]]:
    """Cells that are all alike, 3 blocks: who is left out, and how the fastest is flattered."""
    for count in (9, 36):
        table = campaign_table(count, 3)
        for kind in KINDS:
            chance = np.random.default_rng(SEED)
            out = one_out = covered = 0
            raw, left = [], []
            rounds = max(1, times // 50)
            for _ in range(rounds):
                logs = campaign_times(chance, kind, np.zeros(count), 3, 0.06)
                cells = judged(table.assign(wall_s=np.exp(logs.ravel())))
                told = cells["standing"].isin([RECOMMENDED, TIED]).to_numpy()
                out += not told.all()
                one_out += not told[0]
                fastest = cells[cells["fastest"]].iloc[0]
                bias = math.log(fastest["wall_s"])
                raw.append(bias)
                left.append(bias + math.log1p(fastest.get("flattered", 0.0)))
                covered += abs(left[-1]) <= fastest["run_half"] / math.sqrt(3)
            name = f"{count} equal cells, {kind}"
            yield f"false positives: one is called slower, {name}", held(out, rounds)
            yield f"false positives: a given one is left out, {name}", held(one_out, rounds)
            bias = f"{np.mean(raw):+.1%} as measured, {np.mean(left):+.1%} as told"
            yield f"the fastest's time, {name}", f"{bias}; covered in {held(covered, rounds)}"


def choice_of_cells(times: int) -> Iterator[tuple[str, str]]:
    """9 cells that differ: what the recommended one costs, and whether the limit that is told holds."""
    for spread in (0.02, 0.1, 0.3):
        for blocks, log_sd in ((1, 0.09), (3, 0.09), (3, 0.06)):
            table = campaign_table(9, blocks, (0.5 if log_sd > 0.08 else 2.0,))
            chance = np.random.default_rng(SEED)
            cost, inside, decided, wrong = [], 0, 0, 0
            rounds = max(1, times // 50)
            for _ in range(rounds):
                truth = chance.permutation(np.abs(chance.normal(0, spread, 9)))
                logs = campaign_times(chance, "fitted", truth, blocks, log_sd)
                cells = judged(table.assign(wall_s=np.exp(logs.ravel())))
                at = int(np.flatnonzero(cells["standing"] == RECOMMENDED)[0])
                cost.append(math.expm1(truth[at] - truth.min()))
                if "upper" in cells:
                    real = max(1.0, math.exp(truth[at] - np.delete(truth, at).min()))
                    inside += real <= cells["upper"].iloc[at]
                    decided += bool(cells["decided"].iloc[at])
                    wrong += bool(cells["decided"].iloc[at]) and cost[-1] > 0.03
            name = f"9 cells, spread {spread:.0%}, {blocks} blocks, noise {log_sd:.0%}"
            yield f"shortfall of the recommended, {name}", _cost(cost)
            if noise_of_repeats is None:
                told = f"{held(inside, rounds)}; decided {decided / rounds:.0%}, wrongly {wrong / rounds:.1%}"
                yield f"coverage of the shortfall's limit, {name}", told


def _cost(cost: list[float]) -> str:
    return f"{np.mean(cost):.1%} on average, {np.quantile(cost, 0.95):.1%} in the worst 5 %"


# -- pairs -----------------------------------------------------------------------------------


def adjacent_pairs(times: int) -> Iterator[tuple[str, str]]:
    """Confirming pairs one after the other; before, with the noise of a screening without a quota."""
    for quota in (0.5, 2.0):
        for kind in KINDS:
            for pairs in (3, 5, 8):
                chance = np.random.default_rng(SEED)
                runs = log_times(chance, kind, SPREAD[quota], (times, 2 * pairs))
                inside, widths = 0, []
                for own in runs:
                    found = paired_ratio(*pairs_of(own), _before_pairs(quota, chance))
                    inside += (found.low or 0) <= 1 <= (found.high or 0)
                    widths.append(found.log_half_width or 0.0)
                told = f"{held(inside, times)}, ± {np.median(widths):.1%}"
                yield f"coverage, ratio of {pairs} adjacent pairs, {quota:g} CPU, {kind}", told


def _before_pairs(quota: float, chance: np.random.Generator) -> Noise:
    """What is known of repeats before the first pair."""
    if noise_of_repeats is None:
        from clipkit.records.usual_noise import usual_neighbour_noise  # noqa: PLC0415

        return usual_neighbour_noise(quota)
    screening = SPREAD[2.0] * math.sqrt(chance.chisquare(10) / 10)
    return Noise(screening, 3)


def looks(times: int) -> Iterator[tuple[str, str]]:
    """Two that are alike, called different: looking after each pair, and once after all of them."""
    for pairs in (3, 10):
        chance = np.random.default_rng(SEED)
        often = once = 0
        for own in log_times(chance, "fitted", 0.06, (times, 2 * pairs)):
            first, second = pairs_of(own)
            seen = []
            for upto in range(1, pairs + 1):
                found = paired_ratio(first[:upto], second[:upto], _before_pairs(2.0, chance))
                seen.append(not (found.low or 0) <= 1 <= (found.high or 0))
            often, once = often + any(seen), once + seen[-1]
        yield f"false positives, looking after each of {pairs} pairs", held(often, times)
        yield (
            f"false positives, looking once after {pairs} pairs (what is published)",
            held(once, times),
        )


# -- tunings ---------------------------------------------------------------------------------


def factors_of(seed: int, candidates: tuple, spread: float, lead: float | None) -> dict:
    """How much longer than the fastest each takes: up to a spread, or all but one by the same lead."""
    chance = np.random.default_rng([SEED, seed])
    if lead is None:
        logs = chance.uniform(0, math.log1p(spread), len(candidates))
        return dict(zip(candidates, np.exp(logs - logs.min()).tolist(), strict=True))
    best = int(chance.integers(len(candidates)))
    return {s: 1.0 if at == best else 1 + lead for at, s in enumerate(candidates)}


def tuned(
    seed: int, host: object, budget_s: float, factors_by: tuple[float, float | None]
) -> tuple:
    """A tuning that has ended, its machine and its question."""
    asked = surface.question(host, budget_s)
    factors = factors_of(seed, asked.candidates, *factors_by)
    machine = tuned_machine(seed, "fitted", factors)
    return surface.tune(asked, machine), machine, asked, factors


def parts_of(strategy: object, asked: object) -> tuple:
    """What was recommended, whether that was decided, and the findings; None where nothing was."""
    session = getattr(strategy, "session", None)
    if session is None:
        told = found_by.gather_findings(asked, strategy.screened, strategy.winner, strategy.results)
        return strategy.winner, None, told
    from clipkit.tuning.verdict import undecided  # noqa: PLC0415

    told = found_by.gather_findings(asked, session.screening, session.results)
    return session.winner, undecided(told) is None, told


def short_budget(times: int) -> Iterator[tuple[str, str]]:
    """One minute on half a core: what following the advice costs."""
    for spread in (0.1, 0.3, 1.0):
        costs: dict[str, list[float]] = {"tune": [], "first": [], "uniform": []}
        for seed in range(max(2, times // 50)):
            strategy, _, asked, factors = tuned(seed, STARTER, 60.0, (spread, None))
            costs["tune"].append(factors[parts_of(strategy, asked)[0]] - 1)
            costs["first"].append(factors[_first(asked)] - 1)
            costs["uniform"].append(_uniform(seed, factors, 60.0) - 1)
        for name, words in (
            ("tune", "the strategy"),
            ("first", "always the first candidate"),
            ("uniform", "uniform rounds of a clip, the least mean"),
        ):
            yield (
                f"shortfall at one minute, 0.5 CPU, spread {spread:.0%}: {words}",
                _cost(costs[name]),
            )


def _first(asked: object) -> object:
    """By the law of queues: as many clips as cores, a thread each."""
    single = [s for s in asked.candidates if s.encoder_threads == 1]
    cores = cores_of(asked.host)
    return next((s for s in single if s.concurrency == cores), asked.candidates[0])


def _uniform(seed: int, factors: dict, budget_s: float) -> float:
    """The factor of the least mean after rounds of one clip each, as many as half of the budget lets."""
    chance = np.random.default_rng([SEED, seed, 1])
    rounds = max(1, int(budget_s / 2 / (4.3 * sum(factors.values()))))
    within = max(1, min(len(factors), int(budget_s / 2 / 4.3)))
    names = list(factors)[:within]
    logs = [
        math.log(factors[s]) + log_times(chance, "fitted", SPREAD[0.5], (1, rounds)).mean()
        for s in names
    ]
    return factors[names[int(np.argmin(logs))]]


def default_budget(times: int) -> Iterator[tuple[str, str]]:
    """Five minutes: how often it is decided, and what its figures hold."""
    cases = [(LARGER, 0.1), (LARGER, 0.2), (STARTER, 0.15), (STARTER, 0.25), (LARGER, 0.0)]
    for host, lead in cases:
        rounds = max(2, times // 50)
        decided, right, cost, inside, told = 0, 0, [], 0, 0
        expected, bias = [], []
        for seed in range(rounds):
            strategy, machine, asked, factors = tuned(seed, host, 300.0, (0.0, lead))
            winner, is_decided, found = parts_of(strategy, asked)
            cost.append(factors[winner] - 1)
            decided += bool(is_decided)
            right += factors[winner] == 1.0
            for timed in found.baselines:
                if timed.speedup and timed.speedup.interval and timed.pairs > 1:
                    job_s = [
                        machine.job_s(asked, winner, timed.subject),
                        machine.job_s(asked, winner),
                    ]
                    low, high = timed.speedup.interval
                    inside, told = inside + (low <= job_s[0] / job_s[1] <= high), told + 1
            _predicted(found, asked, expected, bias)
        name = (
            f"{host.cpus:g} CPU, best {lead:.0%} ahead" if lead else f"{host.cpus:g} CPU, all alike"
        )
        is_told = noise_of_repeats is None
        power = f"{decided / rounds:.0%} decided, " if is_told else "never said, "
        yield (
            f"power at five minutes, {name}",
            f"{power}{right / rounds:.0%} the best, {_cost(cost)}",
        )
        yield f"coverage, the winner's ratio after the choice, {name}", held(inside, max(1, told))
        if bias:
            interval = (
                f"90 % interval held in {np.mean(expected):.0%}" if expected else "no interval"
            )
            yield (
                f"prediction of the confirmed time, {name}",
                f"{interval}, median bias {np.median(bias):+.1%}",
            )


def _predicted(found: object, asked: object, expected: list[bool], bias: list[float]) -> None:
    """Of one tuning, where its time was confirmed."""
    confirmed = found.confirmed.wall
    if confirmed is None:
        return
    if noise_of_repeats is not None:
        bias.append(math.log(found.winner.predicted_wall_s / confirmed.value))
        return
    from clipkit.tuning.prediction import predict  # noqa: PLC0415

    told = predict(asked, found.screening, found.results)
    if told and told.interval:
        expected.append(told.interval[0] <= confirmed.value <= told.interval[1])
        bias.append(math.log(told.value / confirmed.value))


# -- the campaigns in git --------------------------------------------------------------------


def one_block_left_out(_: int) -> Iterator[tuple[str, str]]:
    """The interval for a run of a cell, from the other blocks: by host, with its binomial interval."""
    for name in ("quick-wins", "reference-grid"):
        table = open_campaign(TREE / "results" / name).table
        rows = evidence(table)
        ran = rows[finished_rows(rows)]
        hits: dict[str, list[bool]] = {}
        for block in sorted(set(ran["block"])):
            cells = judged(table[table["block"] != block]).set_index("cell")
            for cell, host, wall_s in ran.loc[
                ran["block"] == block, ["cell", "host", "wall_s"]
            ].values:
                if cell not in cells.index or pd.isna(cells["wall_s"][cell]):
                    continue
                reach = cells["run_half"][cell] * math.sqrt(1 + 1 / cells["runs"][cell])
                near = abs(math.log(wall_s / cells["wall_s"][cell])) <= reach
                hits.setdefault(str(host), []).append(bool(near))
        for host, own in hits.items():
            low, high = stats.binomtest(sum(own), len(own)).proportion_ci(0.95)
            few = ", too few to judge" if len(own) < 400 else ""
            yield (
                f"held out, {name}, {host}",
                f"{held(sum(own), len(own))} ({low:.0%} to {high:.0%}{few})",
            )


CASES: tuple[Callable[[int], Iterator[tuple[str, str]]], ...] = (
    cell_times, adjacent_pairs, one_block_left_out, best_of_equals, looks, choice_of_cells,
    short_budget, default_budget,
)  # fmt: skip


# -- the constants ---------------------------------------------------------------------------


def fit() -> None:
    """What the campaigns in git say of noise: by class of host, beside neighbours, and from cell to cell."""
    classes: dict[float, list[tuple[Values, float]]] = {}
    groups = []
    for name in ("quick-wins", "reference-grid"):
        rows = evidence(open_campaign(TREE / "results" / name).table)
        ran = rows[finished_rows(rows)]
        ran = ran[ran.groupby("cell")["run_id"].transform("size") == 3]
        for (host, quota), own in ran.groupby(["host", "cpu_quota"]):
            logs = np.log(
                own.pivot_table(index="cell", columns="block", values="wall_s").astype(float)
            )
            away = logs.sub(logs.mean(axis=1), axis=0)
            away = (away - away.mean()).to_numpy()
            freedom = 2 * (len(away) - 1)
            classes.setdefault(float(quota), []).append(((away**2).sum(), freedom))
            groups.append((away**2).sum(axis=1) / (freedom / len(away)))
            print(f"{name}, {host}: {math.sqrt((away**2).sum() / freedom):.3f}, "
                  f"beside a neighbour {_beside(own):.3f}")  # fmt: skip
    for quota, parts in sorted(classes.items()):
        squares, freedom = (sum(part[at] for part in parts) for at in (0, 1))
        print(
            f"{quota:g} CPU: {math.sqrt(squares / freedom):.3f} with {freedom} degrees of freedom"
        )
    weights = (2, 3, 4, 6, 8, 10, 15, 20, 30, 100)
    fits = [sum(_likelihood(own, weight) for own in groups) for weight in weights]
    for weight, found in zip(weights, fits, strict=True):
        print(f"d0 = {weight}: log likelihood {found - max(fits):+.1f}")


def _beside(own: pd.DataFrame) -> float:
    """Of one of two runs of different cells within 5 s of each other."""
    mean = own.groupby("cell")["wall_s"].transform(lambda s: np.log(s).mean())
    stray = (np.log(own["wall_s"].astype(float)) - mean.astype(float)) * math.sqrt(1.5)
    began = pd.to_datetime(own["started_utc"], utc=True)
    order = np.argsort(began.to_numpy())
    began_s = began.map(lambda at: at.timestamp()).to_numpy()[order]
    gaps = began_s[1:] - began_s[:-1] - own["wall_s"].to_numpy(dtype=float)[order][:-1]
    steps = np.diff(stray.to_numpy()[order])[gaps <= 5]
    return math.sqrt((steps**2).mean() / 2)


def _likelihood(variances: Values, weight: float) -> float:
    """Of scaled F variances with 2 degrees of freedom, at the scale that fits best."""

    def minus(log_scale: float) -> float:
        return -float(
            (stats.f.logpdf(variances / math.exp(log_scale), 2, weight) - log_scale).sum()
        )

    return -float(optimize.minimize_scalar(minus, bounds=(-12, 0), method="bounded").fun)


# -- before and after ------------------------------------------------------------------------


def figures(times: int, tree: Path) -> subprocess.Popen[str]:
    """All cases with the clipkit of that tree, as JSON on stdout."""
    command = [sys.executable, str(HERE / "statistics.py"), "--times", str(times), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=tree)


def main() -> None:
    parser = argparse.ArgumentParser(description="Statistics before and after.")
    parser.add_argument("--times", type=int, default=2000, metavar="N")
    parser.add_argument("--before", default="8c6efe1", metavar="COMMIT")
    parser.add_argument("--no-before", action="store_true")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument(
        "--json", action="store_true", help="the figures of the clipkit that is imported"
    )
    asked = parser.parse_args()
    if asked.fit:
        fit()
    elif asked.json:
        for case in CASES:
            for name, told in case(asked.times):
                print(json.dumps([name, told]), flush=True)
    else:
        compared(asked.times, None if asked.no_before else asked.before)


def compared(times: int, commit: str | None) -> None:
    """Both in turn, as a table."""
    before: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        if commit:
            tree = Path(folder) / "before"
            git = ["git", "-C", str(TREE), "worktree"]
            subprocess.run([*git, "add", "--detach", "-q", str(tree), commit], check=True)
            try:
                before = read(figures(times, tree))
            finally:
                subprocess.run([*git, "remove", "--force", str(tree)], check=True)
    after = read(figures(times, TREE))
    for name in dict.fromkeys([*before, *after]):
        print(f"{name}\n    before  {before.get(name, '–')}\n    after   {after.get(name, '–')}")


def read(running: subprocess.Popen[str]) -> Figures:
    """What it prints. Raises SystemExit where it fails."""
    told, _ = running.communicate()
    if running.returncode:
        sys.exit("a case failed: see above")
    return dict(json.loads(line) for line in told.splitlines())


if __name__ == "__main__":
    main()
