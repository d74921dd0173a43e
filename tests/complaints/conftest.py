"""A shop's checkout with one coupon of ann's."""

import pytest

from coupons.models import Coupon
from tests.complaints.checkouts import Checkout
from tests.coupons.api.merchant.conftest import Backend, backend, coupon  # noqa: F401 - fixtures


@pytest.fixture
def checkout(backend: Backend, coupon: Coupon) -> Checkout:  # noqa: F811
    return Checkout(backend, coupon)
