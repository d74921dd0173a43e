"""Which group an operation belongs to, and which codes its problems may have."""

import re

GROUPS = {
    "campaigns": "Users: what opens next, how a campaign stands, what time it is. No token.",
    "claims": "Users: ask for a coupon. **Asking again is always safe**: the same user gets the "
              "same answer, so repeat a request whose answer was lost.",
    "coupons": "Users: my coupons, and giving one back.",
    "waitlist": "Users: wait for a coupon that comes back. Served strictly by number.",
    "receipts": "Users: is the receipt of an admission genuine, and is its coupon stored?",
    "merchant-checkout": "Merchants: quote, hold, redeem, cancel.",
    "merchant-coupons": "Merchants: look a coupon up, revoke it, undo that.",
    "merchant-campaigns": "Merchants: draft, change, schedule and run campaigns.",
    "merchant-lists": "Merchants: grants and revocations of many users, exports, who tried.",
    "merchant-webhooks": "Merchants: endpoints that are told what happens, and their deliveries.",
}  # fmt: skip
# The first that matches the path.
_GROUP_PATHS = [
    (r"/merchant/(quotes|reservations|redemptions)", "merchant-checkout"),
    (r"/merchant/webhooks", "merchant-webhooks"),
    (r"/merchant/(jobs|users)|/merchant/campaigns/.+/(grants|revocations|coupons)$",
     "merchant-lists"),
    (r"/merchant/campaigns", "merchant-campaigns"),
    (r"/merchant/coupons", "merchant-coupons"),
    (r"/waitlist", "waitlist"),
    (r"/claims", "claims"),
    (r"/coupons", "coupons"),
    (r"/receipts", "receipts"),
    (r"/campaigns|/time", "campaigns"),
]  # fmt: skip

_WITH_USER = "no_token bad_token too_many_requests"
_BODY = "bad_input length_required body_too_large"
_SENT = f"{_BODY} unsupported_media_type"
_STORES = "store_away store_error closed_for_repair key_missing database_away overloaded"
_USERS = {
    "campaigns": "bad_input store_away database_away overloaded",
    "campaign": f"unknown_campaign {_STORES}",
    "live": f"unknown_campaign {_STORES}",
    "time": "store_away overloaded",
    "claim": f"{_WITH_USER} {_SENT} unknown_campaign not_eligible sold_out not_open "
             f"closed paused queue_full outcome_unknown {_STORES}",
    "my_attempts": f"{_WITH_USER} unknown_campaign {_STORES}",
    "claim_status": f"{_WITH_USER} bad_input unknown_campaign {_STORES}",
    "coupons": f"{_WITH_USER} bad_input key_missing database_away overloaded",
    "coupon": f"{_WITH_USER} bad_input unknown_coupon key_missing database_away overloaded",
    "give_back": f"{_WITH_USER} {_SENT} unknown_coupon coupon_held coupon_redeemed "
                 "illegal_transition coupon_expired coupon_revoked busy database_away overloaded",
    "inclusion": f"{_WITH_USER} bad_input unknown_coupon not_proved_yet not_in_proof "
                 "proof_differs database_away overloaded",
    "verify_receipt": f"{_WITH_USER} {_SENT} {_STORES}",
    "join_waitlist": f"{_WITH_USER} unknown_campaign not_eligible no_waitlist "
                     f"not_sold_out waitlist_full already_claimed not_open closed {_STORES}",
    "waitlist_status": f"{_WITH_USER} unknown_campaign not_waiting {_STORES}",
    "leave_waitlist": f"{_WITH_USER} unknown_campaign not_waiting already_claimed no_offer busy "
                      f"{_STORES}",
    "accept_offer": f"{_WITH_USER} unknown_campaign not_waiting no_offer busy "
                    f"{_STORES}",
}  # fmt: skip

_STATE = "coupon_held coupon_redeemed illegal_transition coupon_expired coupon_revoked"
_CHANGE = (
    "refused illegal_transition needs_confirmation stock_below_admitted unfinished foreign_keys "
    "slots_unfinished store_away store_error closed_for_repair key_missing busy"
)
_ALWAYS = "bad_key scope_missing too_many_requests database_away overloaded"
_IDEMPOTENT = "bad_input idempotency_key_reused idempotency_in_flight"
_MERCHANTS = {
    "merchant-checkout": f"{_SENT} unknown_coupon terms_not_met discount_differs "
                         f"too_late_to_cancel not_stored_yet busy {_STATE}",
    "merchant-coupons": f"{_SENT} unknown_coupon stock_given_on too_late_to_cancel not_stored_yet "
                        f"busy {_STATE}",
    "merchant-campaigns": f"{_SENT} unknown_campaign if_match_missing version_changed {_CHANGE}",
    "merchant-lists": f"{_SENT} unknown_campaign unknown_job {_CHANGE}",
    "merchant-webhooks": f"{_SENT} unknown_webhook refused",
}  # fmt: skip


def group_of(path: str) -> str:
    return next(group for pattern, group in _GROUP_PATHS if re.search(pattern, path))


def codes_of(operation_id: str, path: str) -> list[str]:
    """The codes that the operation's problems may have; of merchants' operations, those of their
    group. A name with a slash in it makes another path."""
    no_path = ["not_found"] if "{" in path else []
    if "/merchant/" in path:
        codes = f"{_ALWAYS} {_IDEMPOTENT} {_MERCHANTS[group_of(path)]}".split()
        return [*dict.fromkeys(codes), *no_path]
    return [*_USERS[operation_id].split(), *no_path]
