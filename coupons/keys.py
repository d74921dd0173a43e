"""The names of a campaign's keys in Redis. Built here only, passed to the scripts.

    coupon:{slug}:gate              hash    epoch stock opens closes paused next longest facts
                                            server; closed for repair: before, repair, doubt, and
                                            no epoch
    coupon:{slug}:claimants         hash    user (or nth:user), packed → place and moment, 10 bytes
    coupon:{slug}:queue             stream  admitted claims not yet stored; consumer group `drain`
    coupon:{slug}:parked            stream  claims that can't be stored, with the reason
    coupon:{slug}:bell              string  set while a drain is on its way; expires by itself
    coupon:{slug}:filter            string  two bits per claimant: who surely holds no place
    coupon:{slug}:told              hash    witness → what it told, left in a Redis that had lost it
    coupon:{slug}:failed            string  why the last drain of it failed; expires by itself
    coupon:installed                set     slugs of all installed campaigns
    coupon:server                   string  the server whose contents were found right (`fence`)
    coupon:canary                   string  when a worker last got here with beat's canary, in ms
    coupon:swept                    string  when a worker last finished a sweep, in ms
    coupon:clocks                   hash    process and its id → how far its clock was off, and when
    coupon:login:{login}:NAME       hash    attempts to log in with a name, by source, and "*" for
                                            all sources; expires by itself, as the next two
    coupon:logins:{login}:ADDRESS   string  attempts from an address
    coupon:logins:{login}           string  attempts of everybody within a minute

All with `{slug}` or `{login}` share that hash tag, so that one script may touch them in a cluster.
The claimants are one hash, where Redis finds a field with two or three steps in memory however many
there are. Spread over small packed hashes they would take less of it, and a crowd more time.
"""

from binascii import Error, a2b_base64, b2a_base64
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

INSTALLED = "coupon:installed"
SERVER = "coupon:server"
CANARY = "coupon:canary"
SWEPT = "coupon:swept"
CLOCKS = "coupon:clocks"
GROUP = "drain"  # the consumer group of every queue

FILTER_BITS_PER_USER = 16  # two of them set: 1.4 % of strangers look like claimants
_BLOCK = 512  # bits, a line of the processor's cache
_PACKED = b"\xff"  # what no UTF-8 text begins with
_PACKED_FROM = 32  # characters; shorter ids are left readable
# The 64 letters of base64url to those of base64, everything else to what is no letter of either.
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_STANDARD = bytes(
    {ord("-"): ord("+"), ord("_"): ord("/")}.get(each, each if each in _LETTERS else ord("!"))
    for each in range(256)
)
_URLSAFE = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True)
class CampaignKeys:
    gate: str
    queue: str
    parked: str
    bell: str
    filter: str
    told: str
    claimants: str
    failed: str


# What Redis calls the type of each key, by its short name.
TYPES = {
    "gate": "hash",
    "claimants": "hash",
    "queue": "stream",
    "parked": "stream",
    "bell": "string",
    "filter": "string",
    "told": "hash",
    "failed": "string",
}


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
        base + "claimants",
        base + "failed",
    )


def field(user: str, nth: int, per_user: int) -> bytes:
    """The claimant's field. One to one: `nth` is left out only where it can't be but 1."""
    packed = pack(user.encode())
    return packed if per_user == 1 else b"%d:%b" % (nth, packed)


def said_by(field: bytes, per_user: int) -> tuple[str, int]:
    """The inverse of `field`: user and nth."""
    if per_user == 1:
        return unpack(field).decode(), 1
    nth, _, user = field.partition(b":")
    return unpack(user).decode(), int(nth)


def pack(user: bytes) -> bytes:
    """Long ids of letters, digits, - and _, such as UUIDs, in three quarters of their bytes: they
    are read as base64url, which leaves no two of them the same. Others stay what they are."""
    if len(user) < _PACKED_FROM or len(user) % 4:
        return user
    try:
        return _PACKED + a2b_base64(user.translate(_STANDARD), strict_mode=True)
    except Error:  # some other letter
        return user


def unpack(packed: bytes) -> bytes:
    """The inverse of `pack`."""
    if not packed.startswith(_PACKED):
        return packed
    return b2a_base64(packed[1:], newline=False).translate(_URLSAFE)


def login_name(name: str) -> str:
    return f"coupon:login:{{login}}:{digest(name)}"


def login_address(address: str) -> str:
    return login_address_of(digest(address))


def login_address_of(digest: str) -> str:
    return f"{LOGIN_EVERYBODY}:{digest}"


def digest(typed: str) -> str:
    """What strangers type is of any length, and has anything in it."""
    return blake2b(typed.encode(errors="replace"), digest_size=16).hexdigest()


LOGIN_EVERYBODY = "coupon:logins:{login}"
LOGINS = "coupon:login*:{login}*"  # a pattern: all of these


def filter_bits(blocks: int) -> int:
    return blocks * _BLOCK


def bits(field: bytes, blocks: int) -> tuple[int, int]:
    """The claimant's two bits in a filter of so many blocks, both in one of them: what is touched
    at random in a large filter is one line of the processor's cache, not two."""
    both = int.from_bytes(blake2b(field, digest_size=8).digest())
    block = (both >> 32) % blocks * _BLOCK
    return block + (both & (_BLOCK - 1)), block + (both >> 9 & (_BLOCK - 1))


def filter_blocks(stock: int) -> int:
    return max(1, stock * FILTER_BITS_PER_USER // _BLOCK)
