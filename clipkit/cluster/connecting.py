"""The user's scheduler, and functions that reach its workers whole."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clipkit.cluster import there
from clipkit.errors import CampaignError

if TYPE_CHECKING:
    from distributed import Client


def connected(address: str) -> Client:
    """Who waits for the scheduler as long as the user's own Dask does (`distributed.comm.timeouts.connect`, 30 s), also
    where the connection to it was lost. Raises CampaignError."""
    try:
        from distributed import Client  # noqa: PLC0415 (an extra, and slow to import)
    except ImportError:
        raise CampaignError(
            "--dask needs the package distributed: pip install 'clipkit[cluster]'"
        ) from None
    for name in ("distributed", "distributed.client"):  # each has a level of its own
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        return Client(address, set_as_default=False, name="clipkit")
    except (OSError, ValueError) as error:
        raise CampaignError(f"no Dask scheduler answers at {address}: {error}") from None


@dataclass(frozen=True, slots=True)
class ByValue:
    """A function of `there` that needs no clipkit where it is called: pickled as it is, it would be a name."""

    function: Callable[..., Any]

    def __call__(self, *given: Any) -> Any:
        return self.function(*given)

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        import cloudpickle  # noqa: PLC0415

        cloudpickle.register_pickle_by_value(there)
        return cloudpickle.loads, (cloudpickle.dumps(self.function),)
