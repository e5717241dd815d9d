"""Real ceilings; a test of a mechanism that this machine lacks is skipped, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from inside import KERNEL_MECHANISMS, Opens, own_groups

from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.errors import CeilingError


@pytest.fixture
def opened() -> Iterator[Opens]:
    """`opened(mechanism, memory_bytes=…, cpus=…)`: a ceiling, closed after the test. Skips without."""
    with ExitStack() as stack:

        def make(
            mechanism: Mechanism,
            memory_bytes: int | None = None,
            cpus: float | None = None,
            **others: int | None,
        ) -> Ceiling:
            limits = Limits(memory_bytes, cpus, **others)
            try:
                return stack.enter_context(open_ceiling(limits, mechanism))
            except CeilingError as error:
                if "is not available here" not in str(error):
                    raise
                pytest.skip(str(error))

        yield make


@pytest.fixture(params=KERNEL_MECHANISMS)
def kernel_mechanism(request: pytest.FixtureRequest) -> Mechanism:
    return request.param


@pytest.fixture
def real_ceiling(opened: Opens, kernel_mechanism: Mechanism) -> Opens:
    """`real_ceiling(memory_bytes=…, cpus=…)`: by each mechanism of the kernel that is here."""
    return lambda **limits: opened(kernel_mechanism, **limits)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    assert own_groups() == []
