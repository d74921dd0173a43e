"""21: a response made without Django's constructor is what the constructor would have made."""

import pytest
from django.http import HttpResponse

from coupons.api import problems, responses
from coupons.api.plain_response import PlainResponse, plain_headers, set_plain_header
from coupons.claims.values import Admission, Claim, Outcome
from tests.conftest import CampaignMaker


@pytest.mark.parametrize("outcome", Outcome)
def test_21_it_has_what_django_s_own_has(outcome: Outcome) -> None:
    ours = PlainResponse(b'{"a":1}', 409, responses._HEADERS[outcome])
    theirs = HttpResponse(
        b'{"a":1}',
        status=409,
        content_type=ours["Content-Type"],
        headers={"Coupon-Outcome": outcome.value},
    )
    assert list(ours.items()) == list(theirs.items())
    mine, django_s = vars(ours).copy(), vars(theirs).copy()
    assert mine.pop("headers") == django_s.pop("headers")
    assert mine == django_s
    assert (ours.content, ours.charset, ours.reason_phrase, bytes(ours)) == (
        theirs.content, theirs.charset, theirs.reason_phrase, bytes(theirs),
    )  # fmt: skip


def test_21_two_responses_share_no_header() -> None:
    headers = plain_headers(Content_Type="text/plain")
    first, second = PlainResponse(b"", 200, headers), PlainResponse(b"", 200, headers)
    set_plain_header(first, "X-Request-Id", "one")
    first["Retry-After"] = "1"
    first.set_cookie("a", "b")
    assert list(second.items()) == [("Content-Type", "text/plain")]
    assert not second.cookies
    assert (
        HttpResponse(headers={"X-Request-Id": "one"}).headers["x-request-id"]
        == first.headers["X-REQUEST-ID"]
    )


@pytest.mark.django_db
def test_21_the_answer_of_a_closed_campaign_is_the_problem_document(
    open_campaign: CampaignMaker,
) -> None:
    campaign, refusal = open_campaign(), Admission(Outcome.CLOSED, 0, 1_795_000_000_000)
    ours = responses.of_admission(campaign, Claim("ann"), refusal)
    theirs = problems.problem_response(410, "closed", "Closed", "This campaign is over.")
    theirs["Coupon-Outcome"] = "closed"
    assert bytes(ours) == bytes(theirs)
    assert ours.status_code == theirs.status_code
