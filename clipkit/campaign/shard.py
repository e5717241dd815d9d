"""A part of an experiment's blocks, to be measured on one machine while others measure the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass

from clipkit.campaign.experiment import Experiment
from clipkit.campaign.strategies import STRATEGIES
from clipkit.errors import UsageError


@dataclass(frozen=True, slots=True)
class Shard:
    """The K-th of N parts, K from 1. Whole blocks, so that every cell has all others of its block
    beside it on the same machine."""

    k: int
    n: int

    def __str__(self) -> str:
        return f"{self.k}/{self.n}"

    def blocks(self, blocks: int) -> tuple[int, ...]:
        """Which of so many blocks are its."""
        return tuple(range(self.k - 1, blocks, self.n))

    def check(self, experiment: Experiment) -> None:
        """Raise UsageError for an experiment that cannot be measured in so many parts."""
        if not STRATEGIES[experiment.strategy].in_blocks:
            raise UsageError(
                f"--shard {self}: strategy '{experiment.strategy}' has no blocks to share out: "
                "only the strategy 'grid' can be measured in shards"
            )
        blocks = experiment.options["blocks"]
        if self.n > blocks:
            raise UsageError(
                f"--shard {self}: {experiment.path.name} has {blocks} blocks, so at most "
                f"{blocks} shards: raise [run] blocks, or take fewer shards"
            )


def parse_shard(text: str) -> Shard:
    """`1/2` as a command line has it. Raises UsageError."""
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise UsageError(f"--shard {text!r}: write K/N with 1 <= K <= N, such as 1/2")
    return Shard(int(found[1]), int(found[2]))
