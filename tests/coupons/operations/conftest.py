"""A request for approval that waits."""

import pytest

from coupons.models import ApprovalRequest
from coupons.operations import approvals
from tests.conftest import CampaignMaker


@pytest.fixture
def asked(open_campaign: CampaignMaker) -> ApprovalRequest:
    """Ann has asked to close the sale."""
    open_campaign("sale")
    return approvals.ask_close("sale", actor="ann", reason="the sale is over")
