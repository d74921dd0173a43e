"""The proof that a closed campaign was fair: a Merkle tree that anybody can check."""
