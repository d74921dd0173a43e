"""Check a receipt of a coupon against the published root of its campaign. Needs Python 3 only.

    python3 verify_receipt.py INCLUSION RECEIPT ROOT

INCLUSION   file with the answer of GET /api/v1/coupons/CODE/inclusion
RECEIPT     the receipt as you got it when you were admitted, or a file with it
ROOT        the root that the event's page publishes

It asks no server: the shop can't know that you check, nor answer you differently.
Exit status: 0 the receipt is under the root, 1 it is not, 2 something can't be read.
"""

import base64
import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any


def leaf_hash(place: int, receipt: str) -> bytes:
    """RFC 9162: 0x00, then 41 bytes: version 1, the place, SHA-256 of the receipt."""
    digest = sha256(receipt.encode("ascii")).digest()
    return sha256(b"\x00" + b"\x01" + place.to_bytes(8, "big") + digest).digest()


def root_of(leaf: bytes, index: int, size: int, hashes: list[bytes]) -> bytes | None:
    """RFC 9162, 2.1.3.2. None: the hashes fit no tree of this size."""
    root, last = leaf, size - 1
    for neighbour in hashes:
        if last == 0:
            return None
        if index & 1 or index == last:
            root = sha256(b"\x01" + neighbour + root).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            root = sha256(b"\x01" + root + neighbour).digest()
        index, last = index >> 1, last >> 1
    return root if last == 0 else None


def fault_of(inclusion: dict[str, Any], receipt: str, root: bytes) -> str | None:
    """Why the receipt is not under the root; None: it is."""
    payload = receipt.split(".")[1]
    contents = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    place, size = contents["place"], inclusion["size"]
    if contents["campaign"] != inclusion["campaign"]:
        return "The receipt is of another campaign."
    if inclusion["version"] != 1:
        return "This file can check version 1 only."
    if not 1 <= place <= size:
        return "The place lies outside of the tree."
    hashes = [base64.b64decode(text, validate=True) for text in inclusion["hashes"]]
    if root_of(leaf_hash(place, receipt), place - 1, size, hashes) != root:
        return "The receipt is NOT under this root."
    return None


def text_of(argument: str) -> str:
    """The argument itself, or what the file of this name contains."""
    is_file = len(argument) < 200 and Path(argument).is_file()
    return (Path(argument).read_text("ascii") if is_file else argument).strip()


def main(arguments: list[str]) -> int:
    if len(arguments) != 3:
        print(__doc__)
        return 2
    try:
        inclusion = json.loads(Path(arguments[0]).read_text("utf-8"))
        root = base64.b64decode(text_of(arguments[2]), validate=True)
        fault = fault_of(inclusion, text_of(arguments[1]), root)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        print(f"This can't be read: {error!r}")
        return 2
    print(fault or "The receipt is under this root: its place can no longer be changed.")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
