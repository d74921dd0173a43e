"""Optional fields of entries: a MAC (`claims.queue_macs`)."""

MAC = b"m"


def mac_field(mac: bytes) -> tuple[bytes, ...]:
    """What a script appends to an entry: nothing without a MAC."""
    return (MAC, mac) if mac else ()
