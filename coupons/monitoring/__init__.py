"""What an operator's tools ask of us: collectors, system checks, capacity, clock skew."""
