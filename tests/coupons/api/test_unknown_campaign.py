"""The answer for an unknown campaign is the same with and without a cached result."""

import pytest
from django.test import Client

from coupons.campaigns import lookup

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_first_and_the_second_answer_are_the_same(
    client: Client, language: str, draft: object
) -> None:
    lookup.clear_snapshots()
    draft("a-draft")  # type: ignore[operator]
    answers = {
        client.get(f"/api/v1/campaigns/{name}", headers={"accept-language": language}).content
        for name in ("nosuch", "nosuch", "another", "a-draft", "NO_SUCH", "x" * 65)
    }
    (body,) = answers
    assert b"unknown_campaign" in body
