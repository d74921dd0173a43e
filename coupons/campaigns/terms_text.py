"""A campaign's terms as sentences for shoppers, in the language that is active."""

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.models import Campaign
from coupons.models.currencies import DECIMALS

_CURRENCY_DIGITS = 2  # of a currency that the list does not have


def terms_sentences(campaign: CampaignSnapshot) -> list[str]:
    """What the coupon is worth comes first, then its conditions."""
    terms = campaign.terms
    currency = str(terms["currency"])
    sentences = [worth_sentence(terms)]
    if terms["cap"] is not None:
        sentences.append(
            _("At most %(amount)s off.") % {"amount": money_text(terms["cap"], currency)}
        )
    if Decimal(str(terms["minimum_order"])) > 0:
        amount = money_text(terms["minimum_order"], currency)
        sentences.append(_("For orders of %(amount)s or more.") % {"amount": amount})
    if campaign.valid_days is not None:
        sentences.append(
            _("Valid for %(days)s days after you get it.") % {"days": campaign.valid_days}
        )
    if campaign.per_user > 1:
        sentences.append(_("Up to %(count)s for each person.") % {"count": campaign.per_user})
    else:
        sentences.append(_("One for each person."))
    return sentences


def terms_line(terms: dict[str, str | None]) -> str:
    """`15% off, up to 5,000 KRW, from 20,000 KRW`."""
    currency = str(terms["currency"])
    parts = [worth_sentence(terms)]
    if terms["cap"] is not None:
        parts.append(_("up to %(amount)s") % {"amount": money_text(terms["cap"], currency)})
    if Decimal(str(terms["minimum_order"])) > 0:
        amount = money_text(terms["minimum_order"], currency)
        parts.append(_("from %(amount)s") % {"amount": amount})
    return ", ".join(parts)


def worth_sentence(terms: dict[str, str | None]) -> str:
    """`10% off`, `5,000 KRW off`."""
    if terms["discount"] == Campaign.Discount.PERCENT:
        value = Decimal(str(terms["value"])).normalize()
        return _("%(percent)s%% off") % {"percent": f"{value:f}"}
    return _("%(amount)s off") % {"amount": money_text(terms["value"], str(terms["currency"]))}


def money_text(amount: Decimal | str | None, currency: str) -> str:
    """`5,000원` in Korean for won, else `5,000 KRW`; with the currency's own digits."""
    digits = DECIMALS.get(currency, _CURRENCY_DIGITS)
    shown = number_format(Decimal(str(amount)), decimal_pos=digits, force_grouping=True)
    if currency == "KRW" and get_language() == "ko":
        return f"{shown}원"
    return f"{shown} {currency}"
