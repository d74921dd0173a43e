"""User ids that look alike are different users."""

import pytest

from coupons.issuing import drain
from coupons.models import Coupon
from tests.conftest import CampaignMaker, Person

pytestmark = pytest.mark.usefixtures("shared_secret")


ODD_USERS = [
    "Kim", "kim", "KIM", "ＫＩＭ", "kim ", " kim", "kim\t", "k\u200bim", "кim",
    "Andr\u00e9", "Andre\u0301", "stra\u00dfe", "strasse", "\u0130", "i", "\u0131",
    "세진", "\u1109\u1166\u110c\u1175\u11ab", "🐣", "🐣\ufe0f", "👩‍💻",
    "a\x00", "a", "a\x00b", "a\r\nb", "a\nb", "{sale}", "}{", "a:b", "1:a", "2:a", ":", "*", "%",
    "\x06\x16", "' OR 1=1 --", "<script>", "../jun", "null", "0", "-1", "1e3", "\\", "x" * 128,
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.stores
def test_users_that_look_alike_are_different_people_each_with_a_coupon_of_their_own(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy, stock=len(ODD_USERS), per_user=2)
    told = {}
    for user in ODD_USERS:
        answer = Person(user).claims()
        assert answer.status_code in (201, 202), (user, answer.content)
        told[user] = answer.json()
        assert Person(user).claims().content == answer.content, user
    if strategy == "queued":
        done = drain.drain("sale", consumer="test")
        assert (done.stored, done.parked) == (len(ODD_USERS), 0)
    assert {place: user for user, place in Coupon.objects.values_list("user", "place")} == {
        answer["place"]: user for user, answer in told.items()
    }
    assert sorted(answer["place"] for answer in told.values()) == [*range(1, len(ODD_USERS) + 1)]
    for user, answer in told.items():
        person = Person(user)
        assert person.asks("campaigns/sale/claims/me").json()["place"] == answer["place"], user
        [mine] = person.asks("coupons").json()["results"]
        assert mine["code"] == answer["code"], user
        assert person.asks(f"coupons/{answer['code']}").status_code == 200, user
