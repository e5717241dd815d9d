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
    """Raises CampaignError."""
    try:
        from distributed import Client  # noqa: PLC0415 (an extra, and slow to import)
    except ImportError:
        raise CampaignError(
            "--dask needs the package distributed: pip install 'clipkit[cluster]'"
        ) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        return Client(address, timeout=30, set_as_default=False, name="clipkit")
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
