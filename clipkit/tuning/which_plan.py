"""The answer to "which plan for this load?": from campaigns to offers, in words and as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from clipkit import format as fmt
from clipkit.analysis.alike_campaigns import unlike_means
from clipkit.hosts import Host
from clipkit.model.waiting import NEARLY_ALL, Waiting
from clipkit.records.campaign import Campaign
from clipkit.tables import Table
from clipkit.tuning.elsewhere import NOT_MEASURED, Elsewhere
from clipkit.tuning.offers import Load, Offer, cheapest, make_offers
from clipkit.tuning.timings import Timing, jobs_words, of_one_job, timings_of

_NEARLY_ALL = f"{NEARLY_ALL * 100:.0f} %"
_HEADS = ("plan", "USD a month", "a clip", "in use", f"{_NEARLY_ALL} ready within",
          "USD for 1,000: busy", "at this load", "carries it", "time is")  # fmt: skip


@dataclass(frozen=True, slots=True)
class WhichPlan:
    """`timings`: what it rests on; `unknown`: plans whose time nothing tells; `unlike`: why times of the
    one campaign are not comparable with those of the other."""

    load: Load
    timings: tuple[Timing, ...]
    offers: tuple[Offer, ...]
    unknown: tuple[Host, ...]
    elsewhere: tuple[Elsewhere, ...]
    unlike: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return fmt.brief(self, f"{len(self.offers)} offers", *self.lines()[-1:])

    @property
    def hows(self) -> list[str]:
        return list(dict.fromkeys(offer.timing.how for offer in self.offers))

    def lines(self) -> list[str]:
        """For a terminal."""
        said = [self._asked(), *(f"NOT ALIKE {words}" for words in self.unlike), ""]
        for how in self.hows:
            said += [f"{how}:", *self.table(how).lines(), ""]
        return [*said, *self._cheapest_lines(), *self._unknown_lines(), *self._elsewhere_lines()]

    def table(self, how: str) -> Table:
        own = [offer for offer in self.offers if offer.timing.how == how]
        return Table(_HEADS, tuple(map(self._row, own)), self._asked())

    def _repr_html_(self) -> str:
        unlike = "".join(f"<p>Not alike: {escape(words)}</p>" for words in self.unlike)
        tables = (f"<p>{escape(how)}</p>{self.table(how).whole_html()}" for how in self.hows)
        return "".join([unlike, *tables])

    def _row(self, offer: Offer) -> tuple[str, ...]:
        *told, known = _row(offer)
        return (*told, f"{known}{self._where(offer)}")

    def _where(self, offer: Offer) -> str:
        """Of several campaigns, which one told the time."""
        return f", in {offer.timing.campaign}" if self._are_several else ""

    @property
    def _are_several(self) -> bool:
        return len({timing.campaign for timing in self.timings}) > 1

    def to_json(self) -> dict[str, Any]:
        clip_s = self.timings[0].clip_s
        return {
            "load": {
                "clips_per_day": self.load.clips_per_day,
                "longest_wait_s": self.load.longest_wait_s,
                "clips_per_job": self.load.clips_per_job,
                "hours": self.load.hours,
                "cores": list(self.load.cores),
                "reserve_bytes": self.load.reserve_bytes,
            },
            "offers": [_offer_json(offer) for offer in self.offers],
            "cheapest": {how: self._cheapest_json(how) for how in self.hows},
            "unknown": [plan.name for plan in self.unknown],
            "elsewhere": [place.to_json(clip_s) for place in self.elsewhere],
            "not_alike": list(self.unlike),
        }

    def _cheapest_json(self, how: str) -> dict[str, str | None]:
        found = cheapest(self.offers, how), cheapest(self.offers, how, surely=True)
        same, surely = (offer.plan.name if offer else None for offer in found)
        return {"plan": same, "with_the_slowest_core": surely}

    def _asked(self) -> str:
        load = self.load
        hours = "" if load.hours == 24 else f" within {load.hours:g} hours"
        low, high = load.cores
        return (
            f"{load.clips_per_day:g} clips a day{hours}, {load.clips_per_job} a job, ready within "
            f"{load.longest_wait_s / 60:g} min; {jobs_words(self.timings)}; ranges: a core there is "
            f"{low:g} to {high:g} times as fast as the one that measured (assumed)"
        )

    def _cheapest_lines(self) -> Iterator[str]:
        for how in self.hows:
            found, surely = cheapest(self.offers, how), cheapest(self.offers, how, surely=True)
            yield f"CHEAPEST  {how}: {self._cheapest_words(found)}"
            if found is not surely:
                said = self._cheapest_words(surely)
                yield f"          with the slowest core of the range: {said}"

    def _cheapest_words(self, offer: Offer | None) -> str:
        if offer is None:
            return "no plan whose price is known carries it"
        at_load = _usd(offer.usd_at_load, 2)
        return (
            f"{offer.plan.name}, {_usd(offer.plan.usd_per_month, 2)} USD a month, {at_load} USD for 1,000 "
            f"clips, {_used(offer.same.used)} of its time in use, {_NEARLY_ALL} of jobs ready "
            f"within {_ready(offer.same)} ({offer.known}{self._where(offer)})"
        )

    def _unknown_lines(self) -> Iterator[str]:
        if self.unknown:
            names = ", ".join(plan.name for plan in self.unknown)
            yield f"UNKNOWN   {names}: no campaign here was measured with their CPU"

    def _elsewhere_lines(self) -> Iterator[str]:
        for place in self.elsewhere:
            price = place.usd_per_1000_clips(self.timings[0].clip_s)
            told = "price not confirmed" if price is None else f"{price:.2f} USD for 1,000 clips"
            yield (
                f"ELSEWHERE {place.what} ({NOT_MEASURED}): {told}, {place.says} "
                f"({place.source}, {place.checked})"
            )


def which_plan(
    campaigns: Sequence[Campaign],
    load: Load,
    plans: Sequence[Host],
    elsewhere: Sequence[Elsewhere],
) -> WhichPlan:
    """Raises CampaignError where nothing finished, or where several jobs were measured."""
    each = [(campaign, timings_of(campaign)) for campaign in campaigns]
    measured = [timing for _, timings in each for timing in timings]
    timings = of_one_job(measured, load.lines, load.clip_s)
    used = [campaign for campaign, own in each if any(timing in timings for timing in own)]
    offers = make_offers(plans, timings, load)
    told = {offer.plan.name for offer in offers}
    unknown = tuple(plan for plan in plans if plan.name not in told and not plan.unlimited)
    return WhichPlan(load, timings, offers, unknown, tuple(elsewhere), unlike_means(used))


def _row(offer: Offer) -> tuple[str, ...]:
    return (
        offer.plan.name,
        _usd(offer.plan.usd_per_month, 2),
        fmt.seconds(offer.s_per_clip),
        _range(offer, lambda of: _used(of.used)),
        _range(offer, _ready),
        _usd(offer.usd_busy, 3),
        _usd(offer.usd_at_load, 3),
        _carries(offer),
        str(offer.known) + (", from a part of the job" if offer.timing.part else ""),
    )


def _carries(offer: Offer) -> str:
    if not offer.fits:
        return "no: memory"
    if offer.carries_surely:
        return "yes"
    return "yes, but not with the slowest core" if offer.carries else "no"


def _range(offer: Offer, words: Callable[[Waiting], str]) -> str:
    """`12 % (8 to 18)`: the fastest core's to the slowest's."""
    same, fast, slow = (words(of) for of in (offer.same, offer.fast, offer.slow))
    return f"{same} ({fast} to {slow})"


def _used(share: float) -> str:
    return f"{share * 100:.0f} %" if share < 10 else "over 999 %"


def _ready(of: Waiting) -> str:
    return "never" if of.nearly_all_s is None else f"{of.nearly_all_s / 60:.1f} min"


def _usd(price: float | None, digits: int) -> str:
    return "–" if price is None else f"{price:.{digits}f}"


def _offer_json(offer: Offer) -> dict[str, Any]:
    return {
        "plan": offer.plan.name,
        "usd_per_month": offer.plan.usd_per_month,
        "how": offer.timing.how,
        "known": str(offer.known),
        "campaign": offer.timing.campaign,
        "s_per_clip": offer.s_per_clip,
        "usd_per_1000_clips_busy": offer.usd_busy,
        "usd_per_1000_clips_at_load": offer.usd_at_load,
        "fits_memory": offer.fits,
        "carries": offer.carries,
        "carries_with_the_slowest_core": offer.carries_surely,
        "queue": {
            name: {"used": of.used, "mean_s": of.mean_s, "nearly_all_s": of.nearly_all_s}
            for name, of in (
                ("slowest_core", offer.slow),
                ("same_core", offer.same),
                ("fastest_core", offer.fast),
            )
        },
    }
