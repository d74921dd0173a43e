"""Templates of the details of problem documents, for their translation.

The code that raises an error contains its detail in English; a test collects all of them and
demands that each is here or among the translated sentences.
"""

from django.utils.translation import gettext_noop

from coupons.api.sentence_templates import Counted, SentenceTemplates

DETAILS = SentenceTemplates(
    # 400, 411, 413, 415: the request
    gettext_noop("must be an object"),
    gettext_noop("must be the text of a receipt"),
    gettext_noop("must be a whole number from 1 to {}"),
    gettext_noop("is not a field of this request"),
    gettext_noop("must be true: this can't be undone"),
    gettext_noop("is not JSON (line {}, column {})"),
    gettext_noop("is nested too deeply"),
    gettext_noop("names a field twice"),
    Counted("has {} byte where {} were announced", "has {} bytes where {} were announced"),
    gettext_noop("is not one that this list gave"),
    gettext_noop("is not a coupon code; please check it for a typing error"),
    gettext_noop("Send the body with a Content-Length, not in chunks."),
    gettext_noop("The body has {} bytes; {} are allowed."),
    gettext_noop('Unsupported media type "{}" in request.'),
    # 400: an amount
    gettext_noop("must be an amount such as 12000 or “12.50”: digits, without sign or spaces"),
    gettext_noop("must be text if it has decimals: “12.50”, not 12.5"),
    gettext_noop("must be from 0 to less than {}"),
    gettext_noop("may have {} decimals at most in {}"),
    gettext_noop("must be a currency of ISO 4217, such as KRW or USD"),
    # 401: the token
    gettext_noop("Send 'Authorization: Bearer TOKEN'."),
    gettext_noop("The Authorization header is not 'Bearer TOKEN'."),
    gettext_noop("The token is malformed."),
    gettext_noop("The token has expired."),
    gettext_noop("The token is not valid yet."),
    gettext_noop("The token's signature is wrong."),
    gettext_noop("The token's algorithm is not accepted."),
    gettext_noop("The token is for another audience."),
    gettext_noop("The token is of another issuer."),
    gettext_noop("The token lacks the claim '{}'."),
    gettext_noop("The token names no key of ours."),
    gettext_noop("The token's subject is not text of 1 to {} bytes."),
    gettext_noop("The token's segments are not a list of names."),
    # A merchant's key, its requests
    gettext_noop("Send 'Authorization: Api-Key KEY' with a valid key."),
    gettext_noop("This key lacks the scope '{}'."),
    gettext_noop("is needed"),
    gettext_noop("must be text of 1 to {} bytes, in one line"),
    gettext_noop("must be a whole number from {} to {}"),
    gettext_noop("must be true or false"),
    gettext_noop('must be an amount as text, such as "19.90"'),
    gettext_noop("must be one of: {}"),
    gettext_noop("must be a date, or a moment with its offset"),
    gettext_noop("must be a moment with its offset, such as 2026-12-01T09:00:00+09:00"),
    gettext_noop("must be a list of 1 to {} objects"),
    gettext_noop("must be 0 or 1"),
    gettext_noop("must be 1 to 64 printable ASCII characters without spaces"),
    gettext_noop("Send an Idempotency-Key header with this request."),
    gettext_noop("This Idempotency-Key came with another request before."),
    gettext_noop("The first request with this Idempotency-Key has not ended yet."),
    Counted(
        "More than {} request in a second. Please wait.",
        "More than {} requests in a second. Please wait.",
    ),
    Counted(
        "More than {} unknown code in a minute. Please wait.",
        "More than {} unknown codes in a minute. Please wait.",
    ),
    # 404, 405
    gettext_noop("There is no campaign of this name."),
    gettext_noop("You have no coupon with this code."),
    gettext_noop('Method "{}" not allowed.'),
    # 404, 409: the waitlist
    gettext_noop("This campaign has no waitlist."),
    gettext_noop("The waitlist of this campaign is full."),
    gettext_noop("There are coupons left: claim one."),
    gettext_noop("You have a coupon of this campaign already."),
    gettext_noop("You are not on the waitlist of this campaign."),
    gettext_noop("There is no offer, or its time is over."),
    gettext_noop("give either a code, or a user and a campaign"),
    gettext_noop("must not be more than the redeemed subtotal"),
    gettext_noop("must add up to the subtotal"),
    # 409, 410, 422: the state of a coupon, the terms
    gettext_noop("A redemption can be cancelled for 90 days."),
    gettext_noop("A revocation can be undone for 24 hours."),
    gettext_noop("An order can hold a coupon for 2 hours at most."),
    gettext_noop("Another order holds the coupon until {}."),
    gettext_noop("Coupons of this campaign can't be given back."),
    gettext_noop("The coupon expired at {}."),
    gettext_noop("The coupon is {}."),
    gettext_noop("The coupon was redeemed for an order."),
    gettext_noop("The coupon was revoked."),
    gettext_noop("The coupon's unit of stock was given to another user meanwhile."),
    gettext_noop("The discount is {}, not {}."),
    gettext_noop("The new end must be later than now and than the present one."),
    gettext_noop("The order does not meet the coupon's terms."),
    gettext_noop("This order has redeemed the coupon with other amounts."),
    gettext_noop("This redemption is not the coupon's current one."),
    gettext_noop("This reservation has ended."),
    gettext_noop("There is no coupon with this code."),
    gettext_noop("Another request is changing the same coupon."),
    gettext_noop("The coupon was changed without its lock."),
    gettext_noop("Claims wait to be stored; this code may be one of them."),
    # 429, 503
    Counted(
        "More than {} claim in a second. Please wait.",
        "More than {} claims in a second. Please wait.",
    ),
    gettext_noop("Redis holds no gate for '{}'."),
    gettext_noop("The campaign '{}' is closed for repair. Please try again."),
    gettext_noop("Too many claims of '{}' wait to be stored. Please try again."),
    gettext_noop("The server that decides has changed."),
    Counted(
        "Fewer than {} replica confirmed in time.",
        "Fewer than {} replicas confirmed in time.",
    ),
)
