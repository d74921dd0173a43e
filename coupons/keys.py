"""The names of a campaign's keys in Redis. Built here only, passed to the scripts.

    coupon:{slug}:gate              hash    epoch stock opens closes paused next longest facts
                                            server; closed for repair: before, repair, doubt, and
                                            no epoch
    coupon:{slug}:claimants:BUCKET  hash    user (or nth:user) → place and moment, 10 bytes
    coupon:{slug}:queue             stream  admitted claims not yet stored; consumer group `drain`
    coupon:{slug}:parked            stream  claims that can't be stored, with the reason
    coupon:{slug}:bell              string  set while a drain is on its way; expires by itself
    coupon:{slug}:filter            string  two bits per claimant: who surely holds no place
    coupon:{slug}:told              hash    witness → what it told, left in a Redis that had lost it
    coupon:installed                set     slugs of all installed campaigns
    coupon:server                   string  the server whose contents were found right (`fence`)
    coupon:canary                   string  when a worker last got here with a canary, in ms
    coupon:login:NAME               string  wrong passwords of that operator; expires by itself

All but the last four share the hash tag `{slug}`, so that one script may touch them in a cluster.
Claimants are spread over small hashes, because Redis stores a hash of at most 128 short fields as
one packed list: 50-odd bytes a user in place of 96.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from zlib import crc32

INSTALLED = "coupon:installed"
SERVER = "coupon:server"
CANARY = "coupon:canary"
GROUP = "drain"  # the consumer group of every queue

FILTER_BITS_PER_USER = 16  # two of them set: 1.4 % of strangers look like claimants
_BLOCK = 512  # bits; USERS_PER_BUCKET × FILTER_BITS_PER_USER is a whole number of blocks
USERS_PER_BUCKET = 32  # on average; far enough below hash-max-listpack-entries (128) to stay packed


@dataclass(frozen=True, slots=True)
class CampaignKeys:
    gate: str
    queue: str
    parked: str
    bell: str
    filter: str
    told: str
    claimants: str  # the prefix; see `bucket`

    def bucket(self, field: bytes, buckets: int) -> str:
        """The hash in which this claimant's field lives."""
        return f"{self.claimants}{crc32(field) % buckets}"


@lru_cache(maxsize=10_000)  # campaigns
def of(slug: str) -> CampaignKeys:
    base = f"coupon:{{{slug}}}:"
    return CampaignKeys(
        base + "gate",
        base + "queue",
        base + "parked",
        base + "bell",
        base + "filter",
        base + "told",
        base + "claimants:",
    )


def field(user: str, nth: int, per_user: int) -> bytes:
    """The claimant's field. One to one: `nth` is left out only where it can't be but 1."""
    return (user if per_user == 1 else f"{nth}:{user}").encode()


def said_by(field: bytes, per_user: int) -> tuple[str, int]:
    """The inverse of `field`: user and nth."""
    if per_user == 1:
        return field.decode(), 1
    nth, _, user = field.decode().partition(":")
    return user, int(nth)


def login(name: str) -> str:
    """Names are typed by strangers: of any length, and with anything in them."""
    return f"coupon:login:{blake2b(name.encode(errors='replace'), digest_size=16).hexdigest()}"


def filter_bits(buckets: int) -> int:
    return buckets * USERS_PER_BUCKET * FILTER_BITS_PER_USER


def bits(field: bytes, size: int) -> tuple[int, int]:
    """The claimant's two bits in a filter of that size, both in one block of 64 bytes: what is
    touched at random in a large filter is one line of the processor's cache, not two."""
    both = int.from_bytes(blake2b(field, digest_size=8).digest())
    block = (both >> 32) % (size // _BLOCK) * _BLOCK
    return block + (both & (_BLOCK - 1)), block + (both >> 9 & (_BLOCK - 1))


def buckets_for(stock: int) -> int:
    return max(1, stock // USERS_PER_BUCKET)
