"""First-come-first-served coupon issuing. README.md of this folder has the road of a claim."""

__version__ = "1.0.0"  # the only place; CHANGELOG.md says what a release changes
