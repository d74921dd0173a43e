"""Merkle trees as RFC 9162 (2.1) has them, with SHA-256. Pure: hashes in, hashes out.

A leaf's hash has the prefix 0x00 and a node's 0x01, so that no node can be shown as a leaf. Levels
are built from below; a last node without a neighbour moves up unchanged. That is the same tree as
the RFC's, which splits at the largest power of two from above.
"""

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()  # of a tree without leaves


def hash_leaf(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def tree_root(hashes: Sequence[bytes]) -> bytes:
    """The root over these hashes of leaves, or over the roots of whole subtrees of one height."""
    while len(hashes) > 1:
        hashes = _level_above(hashes)
    return hashes[0] if hashes else EMPTY_ROOT


def inclusion_path(index: int, hashes: Sequence[bytes]) -> list[bytes]:
    """The neighbours that lead from the hash at `index` (from 0) to the root, the lowest first."""
    path = []
    while len(hashes) > 1:
        neighbour = index ^ 1
        if neighbour < len(hashes):
            path.append(hashes[neighbour])
        hashes, index = _level_above(hashes), index // 2
    return path


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root of the tree of `size` leaves that has this hash of a leaf at `index`; None: the path
    fits no such tree (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return None
    root, last = leaf, size - 1
    for neighbour in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            root = hash_node(neighbour, root)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            root = hash_node(root, neighbour)
        index, last = index >> 1, last >> 1
    return root if last == 0 else None


def _level_above(hashes: Sequence[bytes]) -> list[bytes]:
    above = [
        sha256(b"\x01" + left + right).digest()
        for left, right in zip(hashes[::2], hashes[1::2], strict=False)
    ]
    return above + list(hashes[len(hashes) - 1 :]) if len(hashes) % 2 else above
