"""A coupon's life on its page: what it reads as now, its order, every step, and the operator's
verbs; below it the addresses of the verbs."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from coupons.admin.coupons import steps
from coupons.admin.formatting import exact_time
from coupons.admin.rights import has_right, may_see_users, require_right, shown_user
from coupons.admin.site import nothing_done
from coupons.admin.typed import CouponBase
from coupons.audit.reads import record_read
from coupons.database.availability import require_database
from coupons.errors import UnknownCoupon
from coupons.models import ActorKind, Campaign, CouponEvent, CouponState
from coupons.redemption.discounts import format_amount
from coupons.redemption.states import Life
from coupons.redemption.steps import CAUSES
from coupons.redemption.terms import CampaignTerms
from coupons.redemption.transition import Locked, read_coupon

EVENTS_SHOWN = 200


def life_context(pk: int, request: HttpRequest) -> dict[str, Any]:
    """The template's context; empty for a coupon that is gone."""
    try:
        with require_database():
            found = read_coupon(pk=pk)
    except UnknownCoupon:
        return {}
    state = found.life.state_at(found.now)
    events = CouponEvent.objects.filter(coupon_id=pk).order_by("-version")[:EVENTS_SHOWN]
    verbs = [
        verb
        for verb in steps.VERBS.values()
        if state in verb.offered_in and has_right(request, verb.right)
    ]
    return {
        "life_pk": pk,
        "state": state.label,
        "is_held": state is CouponState.HELD,
        "is_stock_burnt": _is_stock_burnt(found),
        "facts": _facts(found),
        "life_events": [_shown_event(event, found.terms, request) for event in events],
        "life_verbs": verbs,
        "causes": CAUSES,
    }


def _is_stock_burnt(found: Locked) -> bool:
    """Whether nobody gets a unit of stock that comes back."""
    campaigns = Campaign.objects.filter(pk=found.life.campaign_id)
    returns_to = campaigns.values_list("returns_to", flat=True).first()
    return returns_to == Campaign.ReturnsTo.BURN


def _facts(found: Locked) -> dict[str, str]:
    """What is known of its order and its times; without what is empty."""
    life, terms = found.life, found.terms
    facts = {
        "end": exact_time(life.end),
        "held_until": exact_time(life.hold_until) if life.state == CouponState.HELD else "",
        "order": life.order_ref or "",
        "subtotal": _amount(life.subtotal, terms),
        "discount": _amount(life.discount, terms),
        "redemption": str(life.redemption or ""),
        "redeemed_at": exact_time(life.redeemed_at),
    }
    return {name: text for name, text in facts.items() if text}


def _amount(amount: Any, terms: CampaignTerms) -> str:
    if amount is None:
        return ""
    currency = terms.discount.currency
    return f"{format_amount(amount, currency)} {currency}"


def _shown_event(event: CouponEvent, terms: CampaignTerms, request: HttpRequest) -> dict[str, str]:
    is_user = event.actor_kind == ActorKind.USER
    actor = shown_user(request, event.actor) if is_user else event.actor
    return {
        "at": exact_time(event.at),
        "verb": event.get_verb_display(),
        "after": event.get_after_display(),
        "by": f"{event.get_actor_kind_display()} {actor}",
        "order": event.order_ref or "",
        "discount": _amount(event.discount, terms),
        "reason": event.reason or str(event.data.get("cause", "")),
    }


class LifePages(CouponBase):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.do_view)
        own = [path("<int:pk>/do/<str:verb>/", view, name="coupons_coupon_do")]
        return own + super().get_urls()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        coupon = self.get_object(request, object_id)
        if coupon is not None and self.has_view_permission(request, coupon):
            context = life_context(coupon.pk, request)
            if may_see_users(request):
                record_read(
                    kind="coupon", id=coupon.pk, user=coupon.user, campaign=coupon.campaign_id
                )
            extra_context = {**context, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    def do_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        """Run the verb of a form."""
        if request.method != "POST":
            return nothing_done(request, "admin:coupons_coupon_change", pk)
        if not self.has_view_permission(request):
            raise PermissionDenied
        if verb not in steps.VERBS:
            raise Http404
        require_right(request, steps.VERBS[verb].right)
        life = _life_of(pk)
        if life is None:
            raise Http404
        steps.run_verb(steps.VERBS[verb], life, request)
        return redirect("admin:coupons_coupon_change", pk)


def _life_of(pk: int) -> Life | None:
    try:
        with require_database():
            return read_coupon(pk=pk).life
    except UnknownCoupon:
        return None
