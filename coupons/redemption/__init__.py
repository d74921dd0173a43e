"""The life of a coupon after its claim: quote, reserve, redeem, cancel, revoke, expire."""
