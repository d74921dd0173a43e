"""The beginning of a rehearsal, and an operator's wish to end it."""

from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from coupons.audit import log
from coupons.claims.shadow_slugs import is_shadow_slug, new_shadow_slug
from coupons.database import availability, clock
from coupons.errors import Refused, UnknownCampaign
from coupons.models import Campaign, EventKind, Rehearsal
from coupons.rehearsal.beside import refuse_beside_opening
from coupons.rehearsal.lease import LEASE

MOST_STOCK = 200_000  # a larger stock is cut to this: its slots are made and removed


@dataclass(frozen=True, slots=True)
class Plan:
    """`stock` 0: the campaign's. `urls`: the site's addresses; none: WARM_UP_URLS. `by_worker`: a
    worker's process works on it, else the process that began it."""

    people: int
    per_second: int
    stock: int = 0
    urls: tuple[str, ...] = ()
    segments: tuple[str, ...] = field(default_factory=lambda: tuple(settings.SHOP_SEGMENTS))
    beside: bool = False
    by_worker: bool = False

    def options(self, campaign: Campaign) -> dict[str, Any]:
        stock = self.stock or campaign.stock - campaign.granted
        urls = [url.rstrip("/") for url in self.urls or settings.WARM_UP_URLS]
        return asdict(self) | {"stock": min(stock, MOST_STOCK), "urls": urls}


def begin_rehearsal(slug: str, plan: Plan, *, actor: str) -> Rehearsal:
    """Raises UnknownCampaign; Refused if it is closed, while another rehearsal runs, and beside an
    opening unless the plan allows it; DatabaseAway."""
    with availability.require_database():
        campaign = Campaign.objects.filter(slug=slug).first()
    if campaign is None or is_shadow_slug(slug):
        raise UnknownCampaign(_("There is no campaign {!r}.").format(slug))
    if campaign.state == Campaign.State.CLOSED:
        raise Refused(_("{} is over: there is nothing to rehearse.").format(slug))
    if not plan.beside:
        refuse_beside_opening(on_page=plan.by_worker)
    now = clock.read_now()
    try:
        with availability.require_database(), transaction.atomic():
            rehearsal = Rehearsal.objects.create(
                campaign=campaign,
                shadow=new_shadow_slug(),
                people=plan.people,
                per_second=plan.per_second,
                options=plan.options(campaign),
                actor=actor,
                started_at=now,
                leased_until=now if plan.by_worker else now + LEASE,
            )
            log.record_event(
                campaign, actor, EventKind.REHEARSAL_BEGAN,
                people=plan.people, per_second=plan.per_second,
            )  # fmt: skip
    except IntegrityError:
        raise Refused(_("Another rehearsal is running: wait for its end, or stop it.")) from None
    return rehearsal


def stop_rehearsal(pk: int) -> bool:
    """Ask for the end of a rehearsal: within seconds it stops asking, and everything is removed.
    Returns whether it was running."""
    with availability.require_database():
        return bool(Rehearsal.objects.filter(pk=pk, running=True).update(is_stopped=True))
