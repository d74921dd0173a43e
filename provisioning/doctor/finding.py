"""One answer of the doctor, and how a question becomes one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provisioning.aws import translated_errors
from provisioning.errors import AwsRefused, ProvisioningError

OK, BAD, UNKNOWN = "ok", "bad", "unknown"
DENIALS = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AuthFailure")

Check = Callable[[], tuple[str, str]]


@dataclass(frozen=True)
class Finding:
    """`verdict` is ok, bad or unknown (it couldn't be found out; said, never taken for ok)."""

    verdict: str
    what: str
    told: str


def make_finding(what: str, check: Check, *, denied: str = BAD, failed: str = UNKNOWN) -> Finding:
    """The finding of a check that returns (verdict, sentence).

    A denial is bad when apply would meet it too; pass `denied=UNKNOWN` for what only the doctor
    asks. A question that fails in another way is not answered, and not to know is not bad.
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
