"""One spec, one command: the AWS side of the coupon service."""
