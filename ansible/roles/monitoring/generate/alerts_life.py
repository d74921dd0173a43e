"""Alerts about coupons after their claim."""

from alert import Alert, of_web

REFUSALS = "coupon_step_refusals_total"

LIFE = [
    Alert(
        name="CheckoutsTurnedAway",
        expr=f'sum(rate({REFUSALS}{{code=~"busy|database_away|store_away"}}[5m])) > 0.2',
        says="Shops can't redeem coupons: MySQL is away, or rows stay locked.",
        for_="2m",
        fires={of_web(REFUSALS, 'code="busy"'): "0+30x60"},
        quiet={of_web(REFUSALS, 'code="coupon_held"'): "0+30x60"},
    ),
    Alert(
        name="CodesGuessed",
        expr=f'sum(rate({REFUSALS}{{code="unknown_coupon"}}[5m])) > 0.5',
        says="A shop asks for many codes that don't exist: somebody may be guessing them.",
        for_="5m",
        severity="ticket",
        fires={of_web(REFUSALS, 'code="unknown_coupon"'): "0+15x60"},
        quiet={of_web(REFUSALS, 'code="unknown_coupon"'): "0+1x60"},
    ),
]
