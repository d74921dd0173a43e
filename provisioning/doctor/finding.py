"""The result of one check of the doctor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provisioning.client_errors import translated_errors
from provisioning.errors import AwsRefused, ProvisioningError

OK, BAD, UNKNOWN = "ok", "bad", "unknown"
DENIALS = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AuthFailure")

Check = Callable[[], tuple[str, str]]


@dataclass(frozen=True)
class Finding:
    """`verdict` is ok, bad or unknown (it couldn't be determined; reported, never counted as ok).
    `told` is its sentence."""

    verdict: str
    what: str
    told: str


def make_finding(what: str, check: Check, *, denied: str = BAD, failed: str = UNKNOWN) -> Finding:
    """The finding of a check that returns (verdict, sentence).

    A denied call is bad if apply makes it, too; pass `denied=UNKNOWN` for calls of the doctor only.
    A check that fails in another way has the verdict `failed`: unknown, not bad, by default.
    """
    try:
        with translated_errors(what):
            verdict, sentence = check()
    except AwsRefused as error:
        verdict = denied if error.aws_code in DENIALS else failed
        return Finding(verdict, what, str(error).removeprefix(f"{what}: "))
    except ProvisioningError as error:
        return Finding(BAD, what, str(error))
    return Finding(verdict, what, sentence)


def judged_finding(good: bool) -> str:
    return OK if good else BAD
