"""A campaign's terms as sentences for shoppers, in the language that is active."""

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from coupons.campaigns.snapshot import CampaignSnapshot, public_terms
from coupons.claims.timestamps import moment_of, short_text
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
    sentences.append(_validity_sentence(campaign))
    if campaign.per_user > 1:
        sentences.append(_("Up to %(count)s for each person.") % {"count": campaign.per_user})
    else:
        sentences.append(_("One for each person."))
    return sentences


def _validity_sentence(campaign: CampaignSnapshot) -> str:
    days = campaign.valid_days
    if days is None:
        until = moment_of(campaign.valid_until_ms or 0)
        return _("Valid until %(moment)s.") % {"moment": short_text(until)}
    text = ngettext(
        "Valid for %(days)s day after you get it.",
        "Valid for %(days)s days after you get it.",
        days,
    )
    return text % {"days": number_format(days, force_grouping=True)}


def terms_line(row: Campaign) -> str:
    """`15% off, up to 5,000 KRW, from 20,000 KRW, valid for 7 days`. Of a row that has neither of
    both validities, as a form that is not filled in yet, nothing is said of them."""
    terms = public_terms(row)
    currency = str(terms["currency"])
    parts = [worth_sentence(terms)]
    if terms["cap"] is not None:
        parts.append(_("up to %(amount)s") % {"amount": money_text(terms["cap"], currency)})
    if Decimal(str(terms["minimum_order"])) > 0:
        amount = money_text(terms["minimum_order"], currency)
        parts.append(_("from %(amount)s") % {"amount": amount})
    if row.valid_until is not None:
        parts.append(_("valid until %(moment)s") % {"moment": short_text(row.valid_until)})
    if row.valid_days is not None:
        text = ngettext("valid for %(days)s day", "valid for %(days)s days", row.valid_days)
        parts.append(text % {"days": number_format(row.valid_days, force_grouping=True)})
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
