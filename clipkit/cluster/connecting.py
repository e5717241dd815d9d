"""The user's scheduler, and functions that any Python of its workers can run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
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
    except (TypeError, ImportError) as error:
        # So ends tls:// without certificates, and a protocol without its library.
        raise CampaignError(
            f"no Dask scheduler can be reached at {address} from here: {error}; configure distributed for that "
            "protocol (distributed.comm), or give an address tcp://HOST:PORT"
        ) from None


def called_there(
    function: Callable[..., Any], *given: Any
) -> tuple[Callable[..., Any], str, dict[str, Any]]:
    """What a worker calls, and with what, to call that function of `there`: the module travels as its text, which the
    worker's own Python compiles. Pickled, the function would be a name of what need not be installed there, or bytecode,
    by which a Python of another minor version dies."""
    names = {
        "__name__": there.__name__,
        "source": Path(there.__file__).read_text("utf-8"),
        "given": given,
    }
    return eval, f"exec(source) or {function.__name__}(*given)", names
