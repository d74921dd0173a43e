"""Metrics of what strangers send, and of the limits that they reach."""

from prometheus_client import Counter

SECURITY_REFUSALS = Counter(
    "coupon_security_refusals_total",
    "Requests that Django refused for security: a foreign Host, no token of the form, …",
    ["kind"],
)
RECORDS_LEFT_OUT = Counter(
    "coupon_log_records_left_out_total",
    "Log records that were left out, because one of their kind was written in that second.",
)
MESSAGES_DROPPED = Counter(
    "coupon_messages_dropped_total",
    "Messages on the broker that a worker could not read and dropped, by reason.",
    ["why"],
)
LIMITED = Counter(
    "coupon_requests_limited_total",
    "Requests that a rate limit refused with 429, by limit.",
    ["limit"],
)
LIMITER_FAILURES = Counter(
    "coupon_limiter_failures_total",
    "Errors of the rate limiters themselves; the requests passed.",
)

REFUSALS_NOT_NOTED = Counter(
    "coupon_refusals_not_noted_total",
    "Refused claims of which no note is kept, by reason: sampled above a rate, or lost.",
    ["why"],
)

KINDS = ("DisallowedHost", "csrf", "TooManyFieldsSent", "RequestDataTooBig", "SuspiciousSession",
         "DisallowedRedirect", "SuspiciousFileOperation", "SuspiciousOperation")  # fmt: skip
OTHER = "other"
_LIMITS = ("key", "unknown codes of a key", "claims", "requests", "failed look-ups")

# Exported from the start: a series that begins with its first event has no rate.
for _kind in (*KINDS, OTHER):
    SECURITY_REFUSALS.labels(_kind)
for _limit in _LIMITS:
    LIMITED.labels(_limit)
for _why in ("shape", "unreadable", "undecodable", "invalid", "not a task", "unknown task"):
    MESSAGES_DROPPED.labels(_why)
for _why in ("sampled", "lost"):
    REFUSALS_NOT_NOTED.labels(_why)
