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
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

INSTALLED = "coupon:installed"
SERVER = "coupon:server"
CANARY = "coupon:canary"
SWEPT = "coupon:swept"
CLOCKS = "coupon:clocks"
GROUP = "drain"  # the consumer group of every queue


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
def campaign_keys(slug: str) -> CampaignKeys:
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


def login_name(name: str) -> str:
    return f"coupon:login:{{login}}:{name_digest(name)}"


def login_address(address: str) -> str:
    return login_address_of(name_digest(address))


def login_address_of(digest: str) -> str:
    return f"{LOGIN_EVERYBODY}:{digest}"


def name_digest(typed: str) -> str:
    """What strangers type is of any length, and has anything in it."""
    return blake2b(typed.encode(errors="replace"), digest_size=16).hexdigest()


LOGIN_EVERYBODY = "coupon:logins:{login}"
LOGINS = "coupon:login*:{login}*"  # a pattern: all of these
