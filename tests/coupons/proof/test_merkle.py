"""The tree against the vectors of Certificate Transparency, and against the RFC's own recursion."""

from hashlib import sha256

import pytest

from coupons.proof import leaves, merkle

# Leaves, roots and paths that reference implementations of RFC 6962 and 9162 are tested with.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                 "606162636465666768696a6b6c6d6e6f")
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
}


def rfc_root(data: list[bytes]) -> bytes:
    """MTH as RFC 9162 (2.1.1) writes it."""
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    split = 1 << ((len(data) - 1).bit_length() - 1)
    return sha256(b"\x01" + rfc_root(data[:split]) + rfc_root(data[split:])).digest()


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots(size: int) -> None:
    hashes = [merkle.hash_leaf(data) for data in LEAVES[:size]]
    assert merkle.tree_root(hashes).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), PATHS)
def test_the_published_paths(index: int, size: int) -> None:
    hashes = [merkle.hash_leaf(data) for data in LEAVES[:size]]
    path = merkle.inclusion_path(index, hashes)
    assert [node.hex() for node in path] == PATHS[index, size]


def test_every_size_is_the_rfcs_tree_and_every_leaf_has_its_path() -> None:
    data = [place.to_bytes(2, "big") for place in range(140)]
    hashes = [merkle.hash_leaf(each) for each in data]
    for size in range(1, len(data) + 1):
        root = rfc_root(data[:size])
        assert merkle.tree_root(hashes[:size]) == root
        for index in range(0, size, 1 if size < 40 else 7):
            path = merkle.inclusion_path(index, hashes[:size])
            assert merkle.root_from_path(hashes[index], index, size, path) == root


def test_a_wrong_leaf_index_size_or_path_leads_elsewhere() -> None:
    hashes = [merkle.hash_leaf(bytes([place])) for place in range(13)]
    root, path = merkle.tree_root(hashes), merkle.inclusion_path(5, hashes)
    assert merkle.root_from_path(hashes[5], 5, 13, path) == root
    for leaf, index, size, given in (
        (hashes[4], 5, 13, path),
        (hashes[5], 4, 13, path),
        (hashes[5], 13, 13, path),
        (hashes[5], -1, 13, path),
        (hashes[5], 5, 3, path),
        (hashes[5], 5, 40, path),
        (hashes[5], 5, 13, path[:-1]),
        (hashes[5], 5, 13, [*path, path[0]]),
        (hashes[5], 5, 13, path[::-1]),
    ):
        assert merkle.root_from_path(leaf, index, size, given) != root


def test_no_node_can_be_shown_as_a_leaf() -> None:
    """Without the prefixes (the control), a node's two hashes are the data of a leaf."""
    left, right = merkle.hash_leaf(b"a"), merkle.hash_leaf(b"b")
    assert merkle.hash_leaf(left + right) != merkle.hash_node(left, right)
    assert sha256(left + right).digest() == sha256(b"".join((left, right))).digest()


def test_a_leaf_is_41_bytes_as_documented() -> None:
    receipt = "aGVhZA.cGF5bG9hZA.c2lnbmF0dXJl"
    digest = sha256(receipt.encode()).digest()
    assert leaves.leaf_data(258, receipt) == b"\x01" + b"\0" * 6 + b"\x01\x02" + digest
    assert leaves.leaf_data(258, None) == b"\x01" + b"\0" * 6 + b"\x01\x02" + b"\0" * 32
