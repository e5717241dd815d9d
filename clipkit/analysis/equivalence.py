"""Whether two are as fast as each other: shown, not only not refuted. Pure.

Two one-sided tests (Schuirmann, A comparison of the two one-sided tests procedure and the power approach for
assessing the equivalence of average bioavailability, Journal of Pharmacokinetics and Biopharmaceutics 15,
1987): both that the ratio is above the margin and that it is below its inverse are refuted.
"""

from __future__ import annotations

import math

from scipy import stats

from clipkit.analysis.interaction import LEVEL
from clipkit.analysis.statistics import Estimate

MARGIN = 1.05
"""A smaller difference of a job's time is none that anybody would rewrite a service for."""


def equivalence_p(ratio: Estimate, margin: float = MARGIN) -> float | None:
    """How probable it is that the ratio looks so near 1 where it lies on a margin or beyond. None without
    an interval."""
    error = ratio.log_error
    if not error:
        return None
    nearest = math.log(margin) - abs(math.log(ratio.value))
    if ratio.freedom is None:
        return float(stats.norm.sf(nearest / error))
    return float(stats.t.sf(nearest / error, ratio.freedom))


def is_equivalent(ratio: Estimate, margin: float = MARGIN) -> bool:
    """Whether that is shown."""
    p = equivalence_p(ratio, margin)
    return p is not None and p < LEVEL
