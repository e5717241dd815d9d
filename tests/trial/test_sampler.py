"""What the sampler sees of memory, in real ceilings: also what is there for a moment only."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.format import MIB
from clipkit.records.outcome import Sample
from clipkit.trial.sampler import Sampler, need_bound_bytes, peak

SPIKE_MIB = 60
# Touched page by page in C, and given back at once: the whole takes about 10 ms.
SPIKE = f"""
import mmap, time
time.sleep(0.3)
for _ in range(3):
    memory = mmap.mmap(-1, {SPIKE_MIB} << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x8000)
    memory.close()
    time.sleep(0.3)
"""
PLATEAU = "import time; held = b'x' * (40 << 20); time.sleep(1.5)"


def test_a_spike_between_two_samples_is_not_missed(real_ceiling: Callable[..., Ceiling]) -> None:
    ceiling = real_ceiling(memory_bytes=256 * MIB)
    samples = _sampled(ceiling, SPIKE)
    if ceiling.highest_charge_bytes() is None:
        pytest.skip("this kernel's high-water mark cannot be begun anew")
    bound_bytes = need_bound_bytes(samples, 0)
    assert bound_bytes is not None
    assert SPIKE_MIB * MIB < bound_bytes < (SPIKE_MIB + 20) * MIB


def test_the_high_water_mark_of_the_whole_run_is_kept(
    real_ceiling: Callable[..., Ceiling],
) -> None:
    ceiling = real_ceiling(memory_bytes=256 * MIB)
    _sampled(ceiling, SPIKE)
    peak_bytes = ceiling.usage().peak_total_bytes
    assert peak_bytes is None or SPIKE_MIB * MIB < peak_bytes <= 256 * MIB


def test_while_nothing_grows_samples_are_few(real_ceiling: Callable[..., Ceiling]) -> None:
    ceiling = real_ceiling(memory_bytes=256 * MIB)
    samples = _sampled(ceiling, PLATEAU)
    if ceiling.highest_charge_bytes() is None:
        pytest.skip("this kernel's high-water mark cannot be begun anew")
    assert (peak(samples, "anon_bytes") or 0) >= 40 * MIB
    assert len(samples) <= 10 * samples[-1].t_s + 15
    walks = [sample for sample in samples if sample.pss_sum_bytes is not None]
    assert 0 < len(walks) < len(samples)


def test_where_the_kernel_keeps_no_mark_nothing_bounds_the_need() -> None:
    with open_ceiling(Limits(None, None), Mechanism.NONE) as ceiling:
        samples = _sampled(ceiling, PLATEAU)
    assert need_bound_bytes(samples, 0) is None
    assert (peak(samples, "anon_bytes") or 0) >= 40 * MIB


def _sampled(ceiling: Ceiling, code: str) -> list[Sample]:
    with Sampler(ceiling, 0, frozenset()) as sampler:
        process = subprocess.Popen(ceiling.wrap([sys.executable, "-I", "-S", "-c", code]))
        ceiling.adopt(process.pid)
        assert process.wait() == 0
    return sampler.samples


class TestTheBound:
    """Of invented samples."""

    def test_it_is_the_mark_less_the_page_cache_at_both_ends(self) -> None:
        samples = [_sample(None, 10), _sample(100, 30), _sample(90, 5)]
        assert need_bound_bytes(samples, 0) == 70

    def test_the_reserve_is_left_out(self) -> None:
        assert need_bound_bytes([_sample(None, 0), _sample(100, 0)], 40) == 60
        assert need_bound_bytes([_sample(None, 0), _sample(30, 0)], 40) == 0

    def test_where_a_figure_is_missing_it_is_unknown(self) -> None:
        assert need_bound_bytes([], 0) is None
        assert need_bound_bytes([_sample(None, 0), _sample(None, 0)], 0) is None
        assert need_bound_bytes([_sample(None, None), _sample(100, 0)], 0) is None


def _sample(charge: int | None, cache: int | None) -> Sample:
    known: dict[str, Any] = dict.fromkeys(Sample.__dataclass_fields__)
    return Sample(**known | {"t_s": 0.0, "highest_charge_bytes": charge, "cache_bytes": cache})
