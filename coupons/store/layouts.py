"""Layouts: the version of a campaign's keys and facts in Redis, and what each process can read.

The gate's field `layout` names it; none is 1. A release that changes what it stores there raises
NEWEST and brings a step (`layout_steps`) that changes a campaign's data; `manage.py upgrade_redis`
runs it. Until all campaigns have been changed, and as long as a release before may be started
again, the code reads both layouts: OLDEST to NEWEST. A process that meets any other raises
WrongLayout and decides nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from coupons.errors import WrongLayout
from coupons.store import keys
from coupons.store.client import Script, SubjectCalls, time_ms
from coupons.store.replies import ByCampaign, parsing_reply, reply_each

FIRST = 1  # also what a gate without a mark has
OLDEST = 1  # the oldest layout that this release reads
NEWEST = 1  # the newest
CREATED = 1  # of a gate that is made anew: one that the release before reads, too
MARK = Script("mark_layout")


class LayoutReport(NamedTuple):
    """The layouts that a process can read, as it said `age_ms` ago."""

    process: str
    oldest: int
    newest: int
    age_ms: int

    def reads(self, layout: int) -> bool:
        return self.oldest <= layout <= self.newest


def is_known(layout: int) -> bool:
    return OLDEST <= (layout or FIRST) <= NEWEST


def demand_known(slug: str, stored: bytes | None) -> None:
    """Raises WrongLayout for a layout that this release does not read, ValueError for none."""
    layout = int(stored or FIRST)
    if is_known(layout):
        return
    do = "run manage.py upgrade_redis" if layout < OLDEST else "deploy the newer release"
    raise WrongLayout(
        f"Redis holds {slug} in layout {layout}; this release reads {OLDEST} to {NEWEST}: {do}."
    )


class LayoutCalls(SubjectCalls):
    def layouts_of(self, slugs: Sequence[str]) -> ByCampaign[int | None]:
        """The layout of each campaign's gate, also one that this release does not know; 0: the gate
        has no mark (FIRST); None: there is no gate."""
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            for slug in slugs:
                gate = keys.campaign_keys(slug).gate
                pipe.exists(gate)
                pipe.hget(gate, "layout")
            return reply_each(slugs, pipe.execute(raise_on_error=False), _layout)

    def demand_layout(self, slug: str) -> None:
        """Raises WrongLayout, StoreFailure."""
        with self.guard_call():
            stored: Any = self.client.hget(keys.campaign_keys(slug).gate, "layout")
        with parsing_reply(f"a layout of {slug}"):
            demand_known(slug, stored)

    def mark_layout(self, slug: str, layout: int, *, after: int) -> bool:
        """Mark a gate that has the layout `after` (0: no mark); False: it has another, or there is
        no gate."""
        with self.guard_call():
            return bool(MARK(self.client, (keys.campaign_keys(slug).gate,), after, layout))

    def report_layouts(self, process: str, pid: int, at_ms: int) -> None:
        """Write which layouts this process reads. It is deleted with its clock's report."""
        with self.guard_call():
            self.client.hset(keys.LAYOUTS, f"{process} {pid}", f"{OLDEST} {NEWEST} {at_ms}")

    def layout_reports(self) -> list[LayoutReport]:
        """Of every process that reports its clock: one that names no layouts is of a release that
        had none, and reads layout 1."""
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            pipe.hgetall(keys.CLOCKS)
            pipe.hgetall(keys.LAYOUTS)
            pipe.time()
            clocks, known, now = pipe.execute()
        return sorted(_reports(clocks, known, time_ms(now)))


def _reports(
    clocks: dict[bytes, bytes], known: dict[bytes, bytes], now_ms: int
) -> Iterable[LayoutReport]:
    for field, clock in clocks.items():
        try:
            at_ms = int(clock.split()[2])
            oldest, newest = map(int, known.get(field, b"1 1").split()[:2])
        except (ValueError, IndexError):
            continue  # not ours; the next report of the clocks deletes it
        yield LayoutReport(field.decode(errors="replace"), oldest, newest, abs(now_ms - at_ms))


def _layout(exists: Any, stored: bytes | None) -> int | None:
    return int(stored or 0) if exists else None
