"""What a user gets and checks: the hashes, the program to hand out, the page, the commands."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from coupons.models import Campaign, CampaignProof, Coupon, Tally
from coupons.proof import build, leaves, merkle
from tests.conftest import Person
from tests.coupons.answers import problem_of
from tests.coupons.proof.conftest import USERS, Sale, close

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]
PROGRAM = settings.ASSETS / "static" / "pages" / "verify_receipt.py"


def inclusion_of(user: str, code: str | None = None) -> Any:
    own = code or Coupon.objects.get(user=user).code
    return Person(user).asks(f"coupons/{own}/inclusion")


def receipt_of(user: str) -> str:
    return str(Person(user).asks("campaigns/sale/claims/me").json()["receipt"])


@pytest.fixture
def proved(sale: Sale, monkeypatch: pytest.MonkeyPatch) -> CampaignProof:
    """In blocks of two places, so that a path crosses them."""
    monkeypatch.setattr(build, "BLOCK", 2)
    sale()
    return build.prove_campaign(close(), actor="Mina")


def test_every_user_gets_a_path_to_the_published_root(proved: CampaignProof) -> None:
    for user in USERS:
        body = inclusion_of(user).json()
        assert set(body) == {"campaign", "version", "place", "index", "size", "root", "hashes"}
        leaf = leaves.leaf_hash(body["place"], receipt_of(user))
        path = [base64.b64decode(text) for text in body["hashes"]]
        root = merkle.root_from_path(leaf, body["index"], body["size"], path)
        assert root == proved.root == base64.b64decode(body["root"])
    page = Client().get("/api/v1/campaigns/sale").json()
    assert page["proof"]["root"] == body["root"]
    assert (page["proof"]["size"], page["proof"]["coupons"]) == (6, 6)


def test_before_the_root_and_for_others_there_is_none(sale: Sale) -> None:
    sale()
    problem_of(inclusion_of("ann"), 409, "not_proved_yet")
    assert Client().get("/api/v1/campaigns/sale").json()["proof"] is None
    code = Coupon.objects.get(user="bob").code
    problem_of(inclusion_of("ann", code), 404, "unknown_coupon")
    problem_of(Client().get(f"/api/v1/coupons/{code}/inclusion"), 401, "no_token")
    problem_of(inclusion_of("ann", "XXXX"), 400, "bad_input")


def test_a_changed_neighbour_is_no_silent_wrong_path(proved: CampaignProof) -> None:
    assert inclusion_of("ann").status_code == 200  # the control
    Coupon.objects.filter(place=2).update(user="friend")
    problem_of(inclusion_of("ann"), 409, "proof_differs")


def test_a_coupon_stored_later_is_not_in_the_tree(sale: Sale) -> None:
    sale()
    row = Coupon.objects.get(place=3)
    Coupon.objects.filter(place=3).delete()
    Tally.objects.update(stored=5, holes=1)
    build.prove_campaign(close(), actor="Mina")
    row.save(force_insert=True)
    problem_of(inclusion_of(row.user), 409, "not_in_proof")
    assert inclusion_of("ann").status_code == 200  # its neighbours keep their paths


def run_program(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(PROGRAM), *arguments]  # without installed packages
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_the_program_to_hand_out(proved: CampaignProof, tmp_path: Path) -> None:
    lines = PROGRAM.read_text().splitlines()
    assert len(lines) < 100
    file, root = tmp_path / "inclusion.json", build.base64_of(bytes(proved.root or b""))
    for user in USERS:
        file.write_bytes(inclusion_of(user).content)
        fine = run_program(str(file), receipt_of(user), root)
        assert (fine.returncode, "is under" in fine.stdout) == (0, True), fine
    body, receipt = json.loads(file.read_text()), receipt_of(USERS[-1])
    other = run_program(str(file), receipt_of("ann"), root)
    assert (other.returncode, "NOT" in other.stdout) == (1, True)
    assert run_program(str(file), receipt, base64.b64encode(bytes(32)).decode()).returncode == 1
    file.write_text(json.dumps(body | {"hashes": body["hashes"][::-1]}))
    assert run_program(str(file), receipt, root).returncode == 1
    for wrong in ("", "no JSON", "[]", "{}", json.dumps(body | {"hashes": [1]})):
        file.write_text(wrong)
        assert run_program(str(file), receipt, root).returncode == 2, wrong
    assert run_program(str(file)).returncode == 2
    assert run_program(str(tmp_path / "absent"), receipt, root).returncode == 2


def test_the_commands(sale: Sale, capsys: pytest.CaptureFixture[str]) -> None:
    sale()
    receipt = receipt_of("jun")
    with pytest.raises(CommandError, match="not published yet"):
        call_command("verify_receipt", receipt)
    with pytest.raises(CommandError, match="not closed"):
        call_command("prove", "sale")
    close()
    call_command("prove", "sale")
    call_command("prove", "sale")
    call_command("verify_receipt", receipt)
    published, checked, verified = capsys.readouterr().out.strip().splitlines()
    assert published.startswith("sale is published with 6 places, 6 coupons and the root ")
    assert checked == published.replace("is published with", "still has")
    assert verified.split()[-1] == checked.split()[-1]
    with pytest.raises(CommandError, match="not a receipt of ours"):
        call_command("verify_receipt", receipt[:-1])
    Coupon.objects.filter(place=3).update(user="friend")
    with pytest.raises(CommandError, match="differs from its published proof"):
        call_command("prove", "sale")
    assert "Changed places: 1-6" in capsys.readouterr().out


def test_the_pages_show_the_root_and_let_nothing_be_sent(proved: CampaignProof) -> None:
    root = build.base64_of(bytes(proved.root or b""))
    for language, word in (("en", "Check your receipt"), ("ko", "내 영수증 확인하기")):
        page = Client().get(f"/events/sale?lang={language}").content.decode()
        assert (root.replace("+", "&#x2B;") in page or root in page) and word in page
    for language, word in (("en", "nothing is sent"), ("ko", "아무것도 전송하지 않습니다")):
        answer = Client().get(f"/events/sale/proof?lang={language}")
        assert word in answer.content.decode()
        policy = answer["Content-Security-Policy"]
        assert "connect-src 'none'" in policy and "form-action 'none'" in policy
    assert Client().get("/events/none/proof").status_code == 404


def test_the_proof_page_of_an_open_campaign_has_no_root(sale: Sale) -> None:
    sale()
    assert Campaign.objects.get().state != Campaign.State.CLOSED
    assert "some minutes after" in Client().get("/events/sale/proof?lang=en").content.decode()
