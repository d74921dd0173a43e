"""Every page and verb of the admin against every role, from the admin's own URLs: one without a row
fails. Each verb asks for a right of its own."""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from config import env
from coupons.admin import rights
from coupons.admin.campaigns import commands
from coupons.admin.coupons import steps
from coupons.admin.merchants import keys
from coupons.admin.webhooks import endpoints as endpoint_pages
from coupons.broker import wakeups
from coupons.campaigns import lifecycle
from coupons.merchants import api_keys
from coupons.models import Campaign, Merchant, Undoable, WebhookEndpoint
from coupons.models.rights import ROLES, Right
from coupons.operations import approvals
from coupons.webhooks import endpoints
from tests.conftest import CampaignMaker

pytestmark = pytest.mark.django_db
ANY, NOBODY, SUPERUSER = "any operator", "nobody", "superuser"


class Row(NamedTuple):
    """`needs`: a codename, or one of the words above. `verb`: of the URL's last part."""

    url: str
    needs: str
    method: str = "get"
    verb: str = ""
    form: tuple[tuple[str, str], ...] = ()


VERBS = [
    Row("coupons_campaign_do", "schedule_campaign", "post", "schedule"),
    Row("coupons_campaign_do", "open_campaign", "post", "open"),
    Row("coupons_campaign_do", "pause_campaign", "post", "pause"),
    Row("coupons_campaign_do", "pause_campaign", "post", "resume"),
    Row("coupons_campaign_do", "ask_approval", "post", "close"),
    Row("coupons_coupon_do", "release_coupon", "post", "release"),
    Row("coupons_coupon_do", "cancel_redemption", "post", "cancel"),
    Row("coupons_coupon_do", "revoke_coupon", "post", "revoke"),
    Row("coupons_coupon_do", "revoke_coupon", "post", "undo"),
    Row("coupons_coupon_do", "extend_coupon", "post", "extend"),
    Row("coupons_merchantkey_do", "roll_merchantkey", "post", "roll"),
    Row("coupons_merchantkey_do", "revoke_merchantkey", "post", "revoke"),
    Row("coupons_webhookendpoint_do", "switch_webhookendpoint", "post", "enable"),
    Row("coupons_webhookendpoint_do", "switch_webhookendpoint", "post", "disable"),
    Row("coupons_webhookendpoint_do", "test_webhookendpoint", "post", "test"),
    Row("coupons_webhookendpoint_do", "replay_webhookendpoint", "post", "replay"),
]
OFFERED: dict[str, Collection[str]] = {
    "coupons_campaign_do": commands.VERBS,
    "coupons_coupon_do": steps.VERBS,
    "coupons_merchantkey_do": keys.RIGHTS,
    "coupons_webhookendpoint_do": endpoint_pages.RIGHTS,
}
# The list's actions: the same commands.
ACTIONS = [
    Row("coupons_campaign_changelist", row.needs, "post", form=(("action", row.verb),))
    for row in VERBS
    if row.url == "coupons_campaign_do"
]
REPAIRS = [
    Row("coupons_campaign_parked_do", "replay_claims", "post", form=(("replay", "yes"),)),
    Row("coupons_campaign_parked_do", "ask_approval", "post", form=(("give_up", "yes"),)),
    Row("coupons_campaign_override", "override_opening", "post"),
    Row("coupons_campaign_receipt", "view_user_ids"),
    Row("coupons_campaign_receipt", "honour_receipts", "post", form=(("honour", "yes"),)),
    Row("coupons_campaign_why", "view_user_ids"),
    Row("why", "view_user_ids"),
    Row("coupons_campaign_live", "view_campaign"),
    Row("coupons_campaign_live_counts", "view_campaign"),
    Row("coupons_campaign_live_figures", "view_campaign"),
    Row("coupons_campaign_preview", "add_campaign"),
    Row("coupons_campaign_history_csv", "view_campaign"),
    Row("coupons_campaign_history_jsonl", "view_campaign"),
    Row("coupons_campaign_live_stock", "change_stock", "post", form=(("stock", "10"),)),
    Row("coupons_auditevent_changelist", "view_audit"),
    Row("coupons_auditevent_export", "view_audit"),
    Row("coupons_campaign_undo", "pause_campaign", "post"),
    Row(
        "coupons_approvalrequest_decide",
        "approve_requests",
        "post",
        form=(("decision", "approve"),),
    ),
    Row("coupons_campaign_parked", "view_campaign"),
    Row("coupons_campaign_readiness", "view_campaign"),
    Row("coupons_campaign_readiness_json", "view_campaign"),
    Row("coupons_campaign_rehearsal", "rehearse_campaign", "post", form=(("stop", "yes"),)),
    Row("coupons_campaign_rehearsal", "view_campaign"),
    Row("coupons_campaign_report", "view_campaign"),
    Row("coupons_campaign_report_html", "view_campaign"),
    Row("coupons_campaign_report_json", "view_campaign"),
]
SITE = [
    Row(name, ANY)
    for name in ("index", "session", "jsi18n", "password_change", "password_change_done")
]
# Public by their nature, or what Django itself answers to who is logged in and has no right at all.
PUBLIC = {"login", "logout", "view_on_site", "autocomplete", "app_list", None}
MODELS = ("campaign", "coupon", "merchant", "merchantkey", "waitlistentry", "webhookendpoint",
          "webhookdelivery", "approvalrequest")  # fmt: skip
PAGES = {"changelist": "view", "add": "add", "history": "view", "delete": "delete",
         "change": "view"}  # fmt: skip
# Pages that no right opens, for these rows are made elsewhere, and stay.
CLOSED = {
    *(f"coupons_{one}_add" for one in MODELS if one not in ("campaign", "merchant", "merchantkey")),
    *(f"coupons_{one}_delete" for one in MODELS if one != "campaign"),
}


def model_rows() -> Iterator[Row]:
    for model in MODELS:
        for page, action in PAGES.items():
            url = f"coupons_{model}_{page}"
            yield Row(url, NOBODY if url in CLOSED else f"{action}_{model}")
    for model in ("user", "group"):
        yield from (Row(f"auth_{model}_{page}", SUPERUSER) for page in PAGES)
    yield Row("auth_user_password_change", SUPERUSER)


ROWS = [*VERBS, *ACTIONS, *REPAIRS, *SITE, *model_rows()]


def admin_names(patterns: list[Any]) -> Iterator[str | None]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from admin_names(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern.name


def test_every_page_and_verb_of_the_admin_has_its_row() -> None:
    named = {name for name in admin_names(admin.site.get_urls()) if name not in PUBLIC}
    assert named - {row.url for row in ROWS} == set()
    for url, verbs in OFFERED.items():
        assert {row.verb for row in VERBS if row.url == url} == set(verbs), url


@pytest.fixture
def things(
    open_campaign: CampaignMaker, hand_out: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """One of each, by the model's name: the key of its page."""
    monkeypatch.setattr(wakeups, "notify_delivery", lambda: True)
    campaign = open_campaign("sale")
    (coupon,) = hand_out(campaign, ["ann"])
    shop = Merchant.objects.create(slug="shop", name="The shop")
    key, _text = api_keys.make_key(shop, name="till", scopes=["read"], days=None)
    hook = endpoints.create_endpoint(shop.pk, url="https://shop.example/hook", types=[])
    return {
        "campaign": campaign.id, "coupon": coupon.pk, "merchant": shop.pk, "merchantkey": key.pk,
        "prefix": key.prefix, "webhookendpoint": hook.pk, "auditevent": "jsonl",
        "undo": _paused_and_resumed().pk,
        "approvalrequest": approvals.ask_close("sale", actor="jun", reason="it is over").pk,
        "user": User.objects.create_user("bob").pk, "group": rights.role_group("viewer").pk,
    }  # fmt: skip


def _paused_and_resumed() -> Undoable:
    lifecycle.pause_campaign("sale", actor="jun", reason="load")
    lifecycle.resume_campaign("sale", actor="jun")
    Campaign.objects.update(state="scheduled")
    return Undoable.objects.get()


def path_of(row: Row, things: dict[str, Any]) -> str | None:
    """None: there is no such thing in this test (a waitlist's entry, a delivery)."""
    model = row.url.split("_")[1] if "_" in row.url else ""
    if row.url.endswith(("_changelist", "_add", "_preview")) or row in SITE:
        return reverse(f"admin:{row.url}")
    name = "prefix" if row.url == "coupons_merchantkey_do" else model
    if name not in things:
        return None
    more = [things["undo"]] if row.url == "coupons_campaign_undo" else []
    more += [row.verb] if row.verb else []
    return reverse(f"admin:{row.url}", args=[things[name], *more])


def operator_of(role: str) -> User:
    name = role.replace(" ", "-")
    if role == SUPERUSER:
        return User.objects.create_superuser(name)
    user = User.objects.create_user(name, is_staff=True)
    if role in ROLES:
        user.groups.add(rights.role_group(role))
    return user


def may(role: str, needs: str) -> bool:
    if needs == NOBODY:
        return False
    if role == SUPERUSER or needs == ANY:
        return True
    return role in ROLES and needs in ROLES[role].codenames


def send(client: Client, row: Row, path: str, things: dict[str, Any]) -> Any:
    form = dict(row.form) | {"_selected_action": str(things["campaign"]), "index": "0"}
    return client.get(path) if row.method == "get" else client.post(path, form)


@pytest.mark.parametrize("role", ["no role", *ROLES, SUPERUSER])
def test_a_role_may_do_what_its_rights_say_and_nothing_else(
    things: dict[str, Any], role: str
) -> None:
    client = Client()
    client.force_login(operator_of(role))
    wrong = []
    for row in ROWS:
        path = path_of(row, things)
        if path is None:
            continue
        answer = send(client, row, path, things)
        is_allowed = answer.status_code != 403
        if answer.status_code >= 500 or is_allowed is not may(role, row.needs):
            wrong.append((row.url, row.verb, row.form, answer.status_code))
        Campaign.objects.update(state="open")  # whatever a verb has made of it
    assert wrong == []


@pytest.mark.slow
def test_a_role_that_may_do_everything_would_be_noticed(things: dict[str, Any]) -> None:
    """Control: with its right, the verb that was refused is done."""
    viewer, client = operator_of("viewer"), Client()
    client.force_login(viewer)
    pause = reverse("admin:coupons_campaign_do", args=[things["campaign"], "pause"])
    assert client.post(pause).status_code == 403
    assert Campaign.objects.get().state == "scheduled"
    viewer.user_permissions.add(Permission.objects.get(codename=Right.PAUSE))
    assert client.post(pause, {"reason": "load"}).status_code == 302
    assert Campaign.objects.get().state == "paused"


@pytest.mark.parametrize(("language", "sentence"), [
    ("en", "Missing right: <b>Can ask another person to approve what can&#x27;t be undone</b>"),
    ("ko", "필요한 권한: <b>되돌릴 수 없는 작업의 승인 요청</b>"),
])  # fmt: skip
def test_a_refusal_names_the_right_and_leads_back(
    things: dict[str, Any], language: str, sentence: str
) -> None:
    client = Client(headers={"Accept-Language": language})
    client.force_login(operator_of("support"))
    path = reverse("admin:coupons_campaign_do", args=[things["campaign"], "close"])
    answer = client.post(path)
    assert answer.status_code == 403
    assert sentence in answer.content.decode()
    assert 'href="/admin/"' in answer.content.decode()


@pytest.mark.parametrize("role", ["no role", "viewer", SUPERUSER])
def test_every_refusal_names_the_right_or_says_that_nobody_has_it(
    things: dict[str, Any], role: str
) -> None:
    client = Client()
    client.force_login(operator_of(role))
    mute = []
    for row in ROWS:
        path = path_of(row, things)
        answer = send(client, row, path, things) if path else None
        if answer is None or answer.status_code != 403:
            continue
        text = answer.content.decode()
        told = "no account may do this" if row.needs == NOBODY else "Missing right: <b>"
        can_see = role != "no role" and row.url in CLOSED  # else that right is named
        if (told not in text and (row.needs != NOBODY or can_see)) or 'href="/admin/"' not in text:
            mute.append(row.url)
    assert mute == []


@pytest.mark.parametrize(("url", "language", "sentence", "back"), [
    ("coupons_campaign_add", "en", "Missing right: <b>Can add campaigns</b>", "Campaigns"),
    ("coupons_campaign_delete", "ko", "필요한 권한: <b>캠페인 삭제</b>", "캠페인"),
    ("coupons_merchantkey_add", "en", "Missing right: <b>Can add merchants&#x27; keys</b>",
     "Merchants&#x27; keys"),
    ("coupons_coupon_add", "en", "Nothing was done: no account may do this.", "Coupons"),
    ("auth_user_changelist", "en", "Missing right: <b>Superuser status</b>", ""),
])  # fmt: skip
def test_django_s_own_refusals_name_the_right_and_lead_back_to_the_list(
    things: dict[str, Any], url: str, language: str, sentence: str, back: str
) -> None:
    client = Client(headers={"Accept-Language": language})
    client.force_login(operator_of("viewer"))
    text = client.get(path_of(Row(url, NOBODY), things) or "").content.decode()
    model = url.split("_")[1]
    assert sentence in text
    link = f'<a href="/admin/coupons/{model}/">{back}</a>'
    assert (link in text) is bool(back)


def test_buttons_are_shown_to_those_who_may_press_them(things: dict[str, Any]) -> None:
    page = reverse("admin:coupons_campaign_change", args=[things["campaign"]])
    shown = {}
    for role in ROLES:
        client = Client()
        client.force_login(operator_of(role))
        text = client.get(page).content.decode()
        shown[role] = {verb for verb in commands.VERBS if f"/do/{verb}" in text}
        assert (">A receipt<" in text) is may(role, Right.VIEW_USER_IDS)
    assert shown == {
        "viewer": set(), "support": set(), "operator": {"pause", "close"},
        "approver": {"pause", "close"},
    }  # fmt: skip


@pytest.mark.parametrize(("right", "field", "refused"), [
    ("change_stock", "stock", "opens_at"), ("reschedule_campaign", "opens_at", "stock"),
])  # fmt: skip
@pytest.mark.slow
def test_the_stock_and_the_window_of_a_public_campaign_are_two_rights(
    things: dict[str, Any], right: str, field: str, refused: str
) -> None:
    ann = User.objects.create_user("ann", is_staff=True)
    ann.user_permissions.set(
        Permission.objects.filter(codename__in=["change_campaign", "view_campaign", right])
    )
    client = Client()
    client.force_login(ann)
    page = reverse("admin:coupons_campaign_change", args=[things["campaign"]])
    text = client.get(page).content.decode()
    assert f'name="{field}"' in text
    assert f'name="{refused}"' not in text
    assert client.post(page, {refused: "1"}).status_code == 403


def test_a_group_that_a_site_has_made_its_own_stays(db: None) -> None:
    viewer = rights.role_group("viewer")
    viewer.permissions.clear()
    assert rights.role_group("viewer").permissions.count() == 0


def test_the_migration_and_the_code_name_the_same_rights(db: None) -> None:
    named = set(Permission.objects.filter(content_type__app_label="coupons").values_list(
        "codename", flat=True))  # fmt: skip
    assert set(map(str, Right)) <= named
    for role in ROLES.values():
        assert set(role.codenames) <= named
        held = rights.role_group(role.name).permissions.values_list("codename", flat=True)
        assert set(held) == set(role.codenames)


def test_a_webhook_s_enabling_needs_its_right(things: dict[str, Any]) -> None:
    client = Client()
    client.force_login(operator_of("support"))
    hook = WebhookEndpoint.objects.get()
    page = client.get(reverse("admin:coupons_webhookendpoint_change", args=[hook.pk]))
    assert "Send a test event" in page.content.decode()
    assert ">Disable<" not in page.content.decode()


def test_the_readme_s_table_is_what_the_roles_may() -> None:
    table = re.findall(
        r"^\| `(\w+)` \| .*? \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$",
        (env.BASE_DIR / "coupons" / "admin" / "README.md").read_text(),
        re.MULTILINE,
    )
    assert {row[0] for row in table} >= set(map(str, Right))
    for codename, *marks in table:
        expected = ["yes" if codename in role.codenames else "–" for role in ROLES.values()]
        assert marks == expected, codename
