"""The sentence below a campaign's terms follows what is typed, under the site's policy."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.browser.chromium import IN_CHROMIUM, start_browser

pytestmark = [*IN_CHROMIUM, pytest.mark.django_db(transaction=True)]
PASSWORD = "only-in-this-test"


def test_the_sentence_follows_what_is_typed(live_server: Any, tmp_path: Path) -> None:
    User.objects.create_superuser("mina", password=PASSWORD)
    with start_browser(tmp_path, language="ko") as window:
        window.go_to(f"{live_server.url}/admin/")
        window.log_in("mina", PASSWORD)
        window.go_to(f"{live_server.url}/admin/coupons/campaign/add/")
        window.wait_for_text("#terms-preview output", "–")
        window.type_text("#id_discount_value", "15")
        window.type_text("#id_discount_cap", "5000")
        window.wait_for_text("#terms-preview output", "15% 할인, 최대 5,000원")
        window.type_text("#id_valid_days", "7")
        window.wait_for_text("#terms-preview output", "최대 5,000원, 발급 후 7일간 사용 가능")
        window.type_text("#id_discount_value", "0")
        window.wait_for_text("#terms-preview.is-fault output", "100")
