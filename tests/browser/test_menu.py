"""Each role's menu, as a browser shows it, and the audit log behind it."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from coupons.admin.rights import role_group
from tests.browser.chromium import IN_CHROMIUM, start_browser

pytestmark = IN_CHROMIUM
PASSWORD = "only-in-this-test"
EVERYBODY = ["Home", "Campaigns", "Coupons", "Waitlists"]
MENUS = {
    "viewer": [*EVERYBODY, "Audit log"],
    "support": [*EVERYBODY, "Why not?", "Webhooks"],
    "operator": [*EVERYBODY, "Why not?", "Merchants", "Keys", "Webhooks", "Approvals", "Audit log"],
    "approver": [*EVERYBODY, "Why not?", "Approvals", "Audit log"],
}


@pytest.mark.parametrize("role", MENUS)
def test_a_role_s_menu_leads_to_pages_that_it_may_see(
    live_server: Any, tmp_path: Path, role: str
) -> None:
    user = User.objects.create_user(role, is_staff=True, password=PASSWORD)
    user.groups.add(role_group(role))
    with start_browser(tmp_path) as window:
        window.go_to(f"{live_server.url}/admin/")
        window.log_in(role, PASSWORD)
        window.wait_for_element(".operator-menu")
        links = "[...document.querySelectorAll('.operator-menu a')]"
        shown = window.run_script(f"return {links}.map(a => a.textContent)")
        assert [text for text in shown if text != "Approvals"] == [
            text for text in MENUS[role] if text != "Approvals"
        ]
        for address in window.run_script(f"return {links}.map(a => a.href)"):
            window.go_to(address)
            window.wait_for_element(".operator-menu [aria-current]")
            assert window.visible_text("#content")
