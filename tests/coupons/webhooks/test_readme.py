"""The receiver of the README, run exactly as it is printed; its tables are true."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from config import env
from coupons.models import WebhookDelivery
from coupons.redemption import expiry, transition
from coupons.webhooks import delivery, endpoints, events, signatures
from tests.coupons.webhooks.conftest import EndpointMaker, deliver
from tests.harness.servers import free_port, is_listening, start_process

README = (env.BASE_DIR / "coupons/webhooks/README.md").read_text()
PRINTED = re.search(r"<!-- receiver -->\n```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("number", "expected"), [(1, "delivered"), (2, "waiting")])
def test_the_printed_receiver_accepts_our_signature_and_no_other(
    make_endpoint: EndpointMaker, tmp_path: Path, number: int, expected: str
) -> None:
    """With another secret than the endpoint's it refuses: the negative control."""
    assert PRINTED is not None
    program, port = tmp_path / "receiver.py", free_port()
    program.write_text(PRINTED[1])
    endpoint = make_endpoint(f"http://127.0.0.1:{port}/")
    endpoint.secret_number = number
    secret = signatures.endpoint_secret(endpoint)
    with start_process(
        [sys.executable, str(program)],
        ready=lambda: is_listening(port),
        log=tmp_path / "receiver.log",
        env={"WEBHOOK_SECRET": secret, "PORT": str(port)},
    ):
        message = endpoints.send_test(endpoint)
        assert deliver() == 1
    row = WebhookDelivery.objects.get()
    assert row.state == expected
    assert (str(message.message_id) in (tmp_path / "receiver.log").read_text()) is (number == 1)
    assert row.last_status == (204 if number == 1 else 401)


def test_the_printed_receiver_has_about_twenty_lines_and_needs_nothing() -> None:
    assert PRINTED is not None
    assert len([line for line in PRINTED[1].splitlines() if line.strip()]) <= 24
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"compile({PRINTED[1]!r}, 'receiver', 'exec')"],
        check=False,
    )
    assert done.returncode == 0


def test_every_type_of_event_is_in_the_table_and_no_other() -> None:
    table = README.partition("| type | data")[2].partition("\n\n")[0]
    named = set(re.findall(r"`((?:coupon|campaign|webhook)\.[a-z_]+)`", table))
    assert named == {*events.TYPES, events.TEST}


def test_all_that_is_recorded_is_a_type_that_endpoints_can_ask_for() -> None:
    told = {*transition.MESSAGE_TYPES.values(), expiry.MESSAGE_TYPE}
    assert told | set(events.CAMPAIGN_TYPES) == set(events.TYPES)


def test_the_schedule_is_as_printed() -> None:
    printed = re.search(r"again after ([^;]+);", README)
    assert printed is not None
    unit = {"s": 1, "min": 60, "h": 3600}
    waits = [int(n) * unit[u] for n, u in re.findall(r"(\d+) (s|min|h)", printed[1])]
    assert waits == [wait.total_seconds() for wait in delivery.DELAYS]
