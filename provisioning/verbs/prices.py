"""prices: writes AWS' current prices into the table from which plan estimates. Creates nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from provisioning import prices
from provisioning.client_errors import translated_errors
from provisioning.errors import Incomplete
from provisioning.price_list import find_price, product_of
from provisioning.price_table import Row, price_rows, rewrite_file, with_prices
from provisioning.quantities import counted_noun
from provisioning.run import Run

Found = dict[Row, float | None]
SOURCE = "AWS Price List, on demand"


def write_prices(run: Run) -> int:
    """Returns 0, or 1 if a row was not found: it keeps its price, and is named in `source`."""
    rows = price_rows(prices.TABLE.read_text(encoding="utf-8"))
    found: Found = {row: _price_of(run, row) for row in rows}
    known = {row: price for row, price in found.items() if price is not None}
    if not known:
        raise Incomplete(
            "AWS' Price List has none of the table's prices.",
            todo=f"Check the region {run.cloud.region}; the table is unchanged.",
        )
    missing = ["/".join(row) for row in found if row not in known]
    head = {
        "source": SOURCE + (f"; older: {', '.join(missing)}" if missing else ""),
        "as_of": f"{datetime.now(UTC):%Y-%m-%d}",
        "region": run.cloud.region,
    }
    rewrite_file(prices.TABLE, partial(with_prices, prices=known, head=head))
    prices.load_prices.cache_clear()
    _show(run, found, head["as_of"])
    return 1 if missing else 0


def _price_of(run: Run, row: Row) -> float | None:
    product = product_of(*row)
    with translated_errors(f"Looking up the price of {row[1]}"):
        return find_price(run.cloud, product) if product else None


def _show(run: Run, found: Found, as_of: str) -> None:
    rows = [
        ("unknown", "/".join(row), "not found, or not one price") if price is None
        else ("ok", "/".join(row), f"{price:g}")
        for row, price in found.items()
    ]  # fmt: skip
    run.show.table(f"Prices in US$, {run.cloud.region}", ("verdict", "item", "price"), rows)
    prices_usd = {"/".join(row): price for row, price in found.items()}
    run.show.answer({"prices_usd": prices_usd, "as_of": as_of, "region": run.cloud.region})
    missing = sum(price is None for price in found.values())
    older = f" Not found, and so unchanged: {missing}." if missing else ""
    written = counted_noun(len(found) - missing, "price")
    run.show.say(f"{written} written to {prices.TABLE}.{older}")
