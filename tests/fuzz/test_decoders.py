"""The short form of `python -m tests.fuzz`, its control, and the list of decoders itself."""

import re

import pytest

from config import env
from tests.fuzz.decoders import DECODERS, Decoder
from tests.fuzz.drawing import Found, try_decoder, try_input

SHORT = 400  # inputs for each

# Where text of others is taken apart, without a decoder of its own in the list, and why.
DECODES = re.compile(
    r"json_from_stranger\(|orjson\.loads\(|json\.loads\(|fromisoformat\(|b64decode\(|tomllib\.loads|"
    r"a2b_base64\(|csv\.reader|urlsplit\(|ip_address\(|get_unverified_header|decode_segment\("
)
BY_A_DECODER = {
    "coupons/identity/user_tokens.py", "coupons/identity/fast_verify.py", "coupons/bulk/reading.py",
    "coupons/identity/verification_keys.py", "coupons/audit/client_address.py",
    "coupons/api/json.py", "coupons/claims/receipt_tokens.py", "coupons/claims/typed_fields.py",
    "coupons/claims/stranger_json.py", "coupons/claims/base64url.py",
    "coupons/store/claimant_field.py", "coupons/webhooks/addresses.py", "config/store_urls.py",
    "provisioning/spec/load.py", "coupons/management/definition_input.py",
}  # fmt: skip
OUR_OWN = {  # documents, rows, files and settings that we or the operator have written
    "coupons/identity/jwks.py", "coupons/readiness/certificate.py",
    "coupons/monitoring/capacity.py", "coupons/monitoring/settings_checks.py",
    "coupons/api/translations.py", "coupons/api/merchant/webhook_views.py",
    "coupons/api/merchant/idempotency.py", "coupons/api/merchant/life_bodies.py",
    "coupons/campaigns/snapshot.py", "coupons/pages/hand_over.py",
    "coupons/recovery/lost_admissions.py", "config/secret_rules.py", "config/metrics/exposition.py",
    "config/env.py", "coupons/management/commands/operator.py", "coupons/monitoring/store_tls.py",
    "coupons/assets/static/pages/verify_receipt.py", "coupons/rehearsal/claim_connection.py",
    "coupons/management/commands/dress_rehearsal.py", "coupons/audit/trail.py",
    "coupons/admin/attempts/attempt_rows.py", "coupons/audit/labels.py",
}  # fmt: skip


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda one: one.name)
def test_19_no_decoder_fails_on_odd_inputs(decoder: Decoder) -> None:
    found = try_decoder(decoder, SHORT)
    assert not found.unexpected, found.sentence()
    assert found.accepted, "the good ones are not good"
    assert found.refused


def test_19_negative_control_a_decoder_that_fails_is_seen() -> None:
    careless = Decoder("careless", lambda data: int(data), (b"12", b"7"))
    assert try_decoder(careless, SHORT).unexpected
    found = Found("good")
    try_input(Decoder("good", lambda data: int(data), (b"1",), (ValueError,)), b"x", found)
    assert (found.refused, found.unexpected) == (1, {})


def test_19_every_module_that_takes_text_apart_has_a_decoder_or_a_reason() -> None:
    files = [*(env.BASE_DIR / "coupons").rglob("*.py"), *(env.BASE_DIR / "config").glob("*.py"),
             *(env.BASE_DIR / "config" / "metrics").glob("*.py"),
             *(env.BASE_DIR / "provisioning" / "spec").glob("*.py")]  # fmt: skip
    found = {
        str(file.relative_to(env.BASE_DIR)) for file in files if DECODES.search(file.read_text())
    }
    assert found == BY_A_DECODER | OUR_OWN
