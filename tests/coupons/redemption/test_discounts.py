"""Discounts over all currencies: within the subtotal, rounded down, split without loss."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coupons.errors import BadInput
from coupons.models import Campaign
from coupons.models.bounds import MORE_THAN_ANY_AMOUNT
from coupons.models.currencies import DECIMALS
from coupons.redemption import discounts
from coupons.redemption.discounts import DiscountTerms

MOST = int(MORE_THAN_ANY_AMOUNT) - 1
MANY = settings(max_examples=300, deadline=None, derandomize=True, database=None)

currencies = st.sampled_from(sorted(DECIMALS))


def amounts(currency: str, least: int = 0) -> st.SearchStrategy[Decimal]:
    """Small ones as often as large ones, each with the currency's digits."""
    digits = DECIMALS[currency]
    units = st.one_of(st.integers(least, 500), st.integers(least, MOST * 10**digits))
    return units.map(lambda number: Decimal(number).scaleb(-digits))


def terms_in(currency: str) -> st.SearchStrategy[DiscountTerms]:
    def with_kind(is_percent: bool) -> st.SearchStrategy[DiscountTerms]:
        percent = st.integers(1, 10_000).map(lambda hundredths: Decimal(hundredths) / 100)
        return st.builds(
            DiscountTerms,
            is_percent=st.just(is_percent),
            value=percent if is_percent else amounts(currency, 1),
            currency=st.just(currency),
            minimum_order=amounts(currency),
            cap=st.none() | amounts(currency, 1) if is_percent else st.none(),
            rounding=st.sampled_from([1, 10, 100]),
        )

    return st.booleans().flatmap(with_kind)


@st.composite
def orders(draw: st.DrawFn) -> tuple[DiscountTerms, Decimal, Decimal]:
    """Terms, and two subtotals, the smaller first."""
    currency = draw(currencies)
    subtotals = sorted(draw(st.tuples(amounts(currency), amounts(currency))))
    return draw(terms_in(currency)), subtotals[0], subtotals[1]


@given(orders())
@MANY
def test_a_discount_is_within_the_subtotal_and_the_cap_and_a_multiple_of_the_unit(
    order: tuple[DiscountTerms, Decimal, Decimal],
) -> None:
    terms, _, subtotal = order
    discount = discounts.compute_discount(terms, subtotal)
    assert 0 <= discount <= subtotal
    assert terms.cap is None or discount <= terms.cap
    assert discount % discounts._amount_of(terms.rounding, terms.currency) == 0
    assert discounts.parse_amount(str(discount), terms.currency, "discount") == discount


@given(orders())
@MANY
def test_a_discount_is_less_than_one_unit_below_the_exact_one(
    order: tuple[DiscountTerms, Decimal, Decimal],
) -> None:
    terms, _, subtotal = order
    exact = subtotal * terms.value / 100 if terms.is_percent else terms.value
    exact = min(exact, subtotal, subtotal if terms.cap is None else terms.cap)
    unit = discounts._amount_of(terms.rounding, terms.currency)
    assert 0 <= exact - discounts.compute_discount(terms, subtotal) < unit


@given(orders())
@MANY
def test_a_larger_order_never_gets_a_smaller_discount(
    order: tuple[DiscountTerms, Decimal, Decimal],
) -> None:
    terms, smaller, larger = order
    compute = discounts.compute_discount
    assert compute(terms, smaller) <= compute(terms, larger)


@given(orders(), st.data())
@MANY
def test_lines_sum_up_to_the_discount_and_none_gets_more_than_its_amount(
    order: tuple[DiscountTerms, Decimal, Decimal], data: Any
) -> None:
    terms, *_ = order
    lines = data.draw(st.lists(amounts(terms.currency), min_size=1, max_size=8))
    discount = discounts.compute_discount(terms, sum(lines, Decimal(0)))
    shares = discounts.split_discount(discount, lines, terms.currency)
    assert sum(shares) == discount
    assert all(0 <= share <= line for share, line in zip(shares, lines, strict=True))
    unit = discounts._amount_of(1, terms.currency)
    for share, line in zip(shares, lines, strict=True):
        fair = discount * line / (sum(lines) or 1)
        assert abs(share - fair) < unit + Decimal("1e-9")  # 28 digits of context


@given(orders(), currencies)
@MANY
def test_another_currency_is_refused_and_nothing_else_is_judged(
    order: tuple[DiscountTerms, Decimal, Decimal], other: str
) -> None:
    terms, _, subtotal = order
    codes = [reason["code"] for reason in discounts.unmet_terms(terms, subtotal, other)]
    assert (codes == ["currency_differs"]) is (other != terms.currency)


@given(currencies.flatmap(lambda currency: st.tuples(st.just(currency), amounts(currency))))
@MANY
def test_an_amount_is_read_as_it_is_written(amount: tuple[str, Decimal]) -> None:
    currency, value = amount
    text = discounts.format_amount(value, currency)
    assert discounts.parse_amount(text, currency, "subtotal") == value
    assert len(text.partition(".")[2]) == DECIMALS[currency]


def of_percent(value: str, **more: Any) -> DiscountTerms:
    given: dict[str, Any] = {"currency": "KRW", "minimum_order": Decimal(0), "cap": None}
    return DiscountTerms(is_percent=True, value=Decimal(value), **{**given, "rounding": 1, **more})


@pytest.mark.parametrize(
    ("terms", "subtotal", "discount"),
    [
        (of_percent("10"), "12345", "1234"),
        (of_percent("10", rounding=10), "12345", "1230"),
        (of_percent("10", rounding=100), "12345", "1200"),
        (of_percent("10", cap=Decimal(1000)), "12345", "1000"),
        (of_percent("10", cap=Decimal(1234), rounding=100), "99999", "1200"),
        (of_percent("100"), "12345", "12345"),
        (of_percent("100", rounding=100), "99", "0"),  # smaller than one unit
        (of_percent("0.01"), "9999", "0"),
        (of_percent("33.33", currency="USD"), "0.10", "0.03"),
        (of_percent("12.5", currency="KWD"), "1.999", "0.249"),
        (of_percent("100"), "9999999999", "9999999999"),
    ],
)
def test_a_discount_in_percent(terms: DiscountTerms, subtotal: str, discount: str) -> None:
    assert discounts.compute_discount(terms, Decimal(subtotal)) == Decimal(discount)


def test_a_fixed_amount_is_no_more_than_the_order() -> None:
    terms = DiscountTerms(False, Decimal(5000), "KRW", Decimal(0), None, 10)
    assert discounts.compute_discount(terms, Decimal(12_000)) == 5000
    assert discounts.compute_discount(terms, Decimal(4_999)) == 4990


def test_equal_remainders_go_to_the_earlier_lines() -> None:
    won = [Decimal(1000)] * 3
    assert discounts.split_discount(Decimal(1000), won, "KRW") == [334, 333, 333]
    assert discounts.split_discount(Decimal(2), won, "KRW") == [1, 1, 0]
    lines = [Decimal(0), Decimal("0.01"), Decimal("9.99")]
    assert discounts.split_discount(Decimal("9.99"), lines, "USD") == [
        0,
        Decimal("0.01"),
        Decimal("9.98"),
    ]


def test_nothing_to_split() -> None:
    assert discounts.split_discount(Decimal(100), [], "KRW") == []
    assert discounts.split_discount(Decimal(0), [Decimal(0), Decimal(0)], "KRW") == [0, 0]
    with pytest.raises(ValueError, match="on lines of"):
        discounts.split_discount(Decimal(100), [Decimal(99)], "KRW")


def test_all_reasons_are_told_with_their_numbers() -> None:
    terms = of_percent("10", minimum_order=Decimal(10_000), rounding=100)
    assert discounts.unmet_terms(terms, Decimal(10_000), "KRW") == []
    assert discounts.unmet_terms(terms, Decimal(900), "KRW") == [
        {"code": "below_minimum", "minimum": "10000", "missing": "9100"},
        {"code": "nothing_to_discount", "unit": "100"},
    ]
    assert discounts.unmet_terms(terms, Decimal(900), "USD") == [
        {"code": "currency_differs", "currency": "KRW", "given": "USD"}
    ]


@pytest.mark.parametrize(
    ("given", "currency", "amount"),
    [
        (12_000, "KRW", "12000"),
        ("12000", "KRW", "12000"),
        (0, "USD", "0"),
        ("0.5", "USD", "0.5"),
        ("12.50", "USD", "12.50"),
        ("1.234", "BHD", "1.234"),
        (MOST, "JPY", str(MOST)),
    ],
)
def test_amounts_that_are_read(given: object, currency: str, amount: str) -> None:
    assert discounts.parse_amount(given, currency, "subtotal") == Decimal(amount)


WRONG: list[object] = [
    12.5, 1.0, float("nan"), float("inf"), 1e300, True, False, None, [], {}, b"1", "", " 1", "1 ",
    "1\n", "+1", "-1", -1, "−1", "1e3", "1E3", "0x10", "1_000", "1,000", "1.", ".5", "1.2.3", "007",
    "٣", "１２", "NaN", "Infinity", "1" * 11, "1" * 100_000, MOST + 1, 10**4000, "1.0000",
]  # fmt: skip


@pytest.mark.parametrize("given", WRONG, ids=lambda given: repr(given)[:20] if given else None)
def test_amounts_that_are_refused_with_the_name_of_their_field(given: object) -> None:
    with pytest.raises(BadInput) as refused:
        discounts.parse_amount(given, "USD", "lines[3].amount")
    assert refused.value.field == "lines[3].amount"
    assert len(refused.value.why) < 100


@pytest.mark.parametrize(
    ("given", "currency"), [("1.0", "KRW"), ("1.234", "USD"), ("1.2345", "BHD")]
)
def test_more_digits_than_the_currency_has_are_refused(given: str, currency: str) -> None:
    with pytest.raises(BadInput):
        discounts.parse_amount(given, currency, "subtotal")


@pytest.mark.parametrize("currency", ["", "krw", "KRWX", "XTS", "XAU", "₩"])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(BadInput) as refused:
        discounts.parse_amount(1, currency, "subtotal")
    assert refused.value.field == "currency"


def test_terms_are_the_campaigns_own(draft: Any) -> None:
    row: Campaign = draft(discount_value="12.5", discount_cap=5000, minimum_order=100, rounding=10)
    row.refresh_from_db()
    assert discounts.terms_of(row) == of_percent(
        "12.5", cap=Decimal(5000), minimum_order=Decimal(100), rounding=10
    )
