"""A campaign that runs in another process, held by its folder: what `sweep` and `attach` return."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clipkit import format as fmt
from clipkit.campaign import background
from clipkit.campaign.standing import Standing, read_standing
from clipkit.errors import CampaignError, Cancelled
from clipkit.report.exhibits.card import Shown, shown_campaign, state_words
from clipkit.report.notebooks import live
from clipkit.tables import Table


@dataclass(frozen=True, slots=True)
class Handle:
    """A sweep that may be running. It holds nothing but the folder's name: any number of kernels
    can have one, and none of them is needed for the campaign to go on."""

    folder: Path

    @property
    def running(self) -> bool:
        """Whether a process measures into the folder right now."""
        return background.is_held(self.folder)

    def standing(self) -> Standing:
        """How far it is, by its own word. Raises CampaignError where it has said nothing yet."""
        return read_standing(self.folder)

    def watch(self) -> None:
        """Show it until it ends: in a notebook in one output with a live chart, elsewhere in lines.

        Interrupting this stops the watching, and nothing else.
        """
        live.watch(self.folder)

    def cancel(self) -> None:
        """Stop it: the trial that runs is cancelled and cleaned up, what was finished is kept.

        Returns when it has ended; at once where it is not running. Raises CampaignError where what
        holds the folder is no sweep that can be reached from here, TimeoutError where it does not
        end.
        """
        background.cancel(self.folder)

    def wait(self, timeout_s: float | None = None) -> Shown:
        """The campaign, when it has ended. Raises Cancelled where it was cancelled, CampaignError
        where it failed or its process was killed, TimeoutError."""
        background.wait(self.folder, timeout_s)
        ended = self.standing()
        if ended.state == "cancelled":
            raise Cancelled(
                f"cancelled after {ended.done} of {ended.total} trials: {self._again()}"
            )
        if ended.state == "failed":
            raise CampaignError(f"{ended.error}: {self._again()}")
        if ended.state == "running":
            raise CampaignError(f"{state_words(ended.state, is_held=False)}: {self._again()}")
        return shown_campaign(self.folder)

    def _again(self) -> str:
        log = self.folder / background.LOG  # of one that was started in the background
        see = f"see {fmt.near(log)}; " if log.is_file() else ""
        return f"{see}the same sweep again goes on"

    def _repr_html_(self) -> str:
        now = self.standing()
        doing = ", ".join(part for part in (now.now, now.clip) if part)
        rows = [
            ("state", state_words(now.state, self.running)),
            ("so far", now.words),
            ("now", doing or "nothing"),
            ("as of", now.updated_utc),
        ]
        if now.error:
            rows.append(("error", now.error))
        return Table(("campaign", fmt.near(self.folder)), tuple(rows))._repr_html_()
