"""The arithmetic of the Bloom filter of a campaign's holders, which `admit.lua` writes."""

from hashlib import blake2b

BITS_PER_HOLDER = 16  # two of them set: 1.4 % false positives
_BLOCK = 512  # bits, a CPU cache line


def bit_count(blocks: int) -> int:
    return blocks * _BLOCK


def bit_positions(field: bytes, blocks: int) -> tuple[int, int]:
    """Positions of the claimant's two bits in a filter of `blocks` blocks. Both are in one block,
    so that a lookup in a large filter touches one CPU cache line, not two."""
    digest = int.from_bytes(blake2b(field, digest_size=8).digest())
    block = (digest >> 32) % blocks * _BLOCK
    return block + (digest & (_BLOCK - 1)), block + (digest >> 9 & (_BLOCK - 1))


def may_hold(bits: bytes, field: bytes, blocks: int) -> bool:
    """Whether both bits of the claimant are set; false: it certainly has no place."""
    first, second = bit_positions(field, blocks)
    return _is_set(bits, first) and _is_set(bits, second)


def _is_set(bits: bytes, position: int) -> bool:
    """In Redis' bit order: bit 0 is the highest bit of byte 0."""
    byte = position >> 3
    return byte < len(bits) and bool(bits[byte] & (128 >> (position & 7)))


def block_count(stock: int) -> int:
    return max(1, stock * BITS_PER_HOLDER // _BLOCK)
