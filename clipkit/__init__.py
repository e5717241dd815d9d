"""clipkit: measure and tune video clip generation on small hosts.

    from clipkit import probe, cut, sweep, merge, load, compare, recommend, plans, attach

Importing this package costs nothing, as the engine does so inside the measured host: each of these
names is loaded when it is first asked for.
"""

__version__ = "0.1.0"
__all__ = ["attach", "compare", "cut", "load", "merge", "plans", "probe", "recommend", "sweep"]

TYPE_CHECKING = False  # for type checkers, which take it for true: `typing` costs memory
if TYPE_CHECKING:
    from clipkit.api import attach, compare, cut, load, merge, plans, probe, recommend, sweep


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'clipkit' has no attribute '{name}'")
    from clipkit import api  # noqa: PLC0415

    return getattr(api, name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
