"""The names of all keys in Redis. Built only here; scripts get them as arguments.

    coupon:{slug}:gate              hash    epoch stock opens closes paused next longest facts
                                            server layout granted (units of stock that
                                            `grant.lua` has raised) last (ms when the last place
                                            of the stock was given); closed for repair: before,
                                            repair, doubt, and no epoch
    coupon:{slug}:claimants         hash    user (or nth:user), packed → place and moment, 10 bytes
    coupon:{slug}:queue             stream  admitted claims not yet stored; consumer group `drain`.
                                            Fields: u n p t r, and m, a MAC, unless QUEUE_MAC is off
    coupon:{slug}:parked            stream  claims that can't be stored, with the reason
    coupon:{slug}:bell              string  pending flag: a wake-up message to the drain is under
                                            way; expires
    coupon:{slug}:filter            string  Bloom filter of the holders, two bits per claimant
    coupon:{slug}:told              hash    web process → its recent admissions, published after
                                            Redis lost the campaign (`recent_admissions`)
    coupon:{slug}:failed            string  why the campaign's last drain failed; expires
    coupon:{slug}:waitlist          hash    u + user → number and moment, 10 bytes; `last` number,
                                            `epoch` under which it was last compared with MySQL
    coupon:{slug}:counts            hash    asked, refused: claims that web processes have answered
    coupon:{slug}:demand            hash    second modulo 960 → claims of that second by outcome,
                                            failure and latency bucket (`demand`): at most 960
                                            fields, 120 kB in an ordinary sale, 350 kB at
                                            most; expires 16 minutes after the last claim
    coupon:{slug}:refusals          hash    made, kept, left_out, lost, full, entries, sold_out,
                                            since and last (ms), moved: of the notes of refused
                                            claims
    coupon:{slug}:refusals:N        hash    user's hash and outcome → times, count, margins, request
                                            id; 9 and 48 bytes (`claims.packed_refusals`)
    coupon:{slug}:joined            stream  who joined the waitlist and is not in MySQL yet
    coupon:installed                set     slugs of all installed campaigns
    coupon:server                   string  replication id of the server that was last verified
                                            (`server_identity`)
    coupon:canary                   string  when a worker last handled beat's canary, in ms
    coupon:swept                    string  when a worker last finished a sweep, in ms
    coupon:clocks                   hash    process and pid → its clock's offset, and when measured
    coupon:layouts                  hash    process and pid → the layouts that it reads
    coupon:login:{login}:NAME       hash    login attempts with a name, by source, and "*" for all
                                            sources; expires, as the next two
    coupon:logins:{login}:ADDRESS   string  login attempts from an address
    coupon:logins:{login}           string  login attempts of all users within a minute
    coupon:login-code:{login}:…     the same three of codes of the second factor, which nobody fills
    coupon:login-codes:{login}…     without a right password

Keys with `{slug}` or `{login}` share that hash tag, so that in a cluster one script may use them.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

INSTALLED = "coupon:installed"
SERVER = "coupon:server"
CANARY = "coupon:canary"
SWEPT = "coupon:swept"
CLOCKS = "coupon:clocks"
LAYOUTS = "coupon:layouts"
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
    waitlist: str
    joined: str
    counts: str
    demand: str
    refusals: str


# The Redis type of each key of a campaign, by the key's short name.
TYPES = {
    "gate": "hash",
    "claimants": "hash",
    "queue": "stream",
    "parked": "stream",
    "bell": "string",
    "filter": "string",
    "told": "hash",
    "failed": "string",
    "waitlist": "hash",
    "joined": "stream",
    "counts": "hash",
    "demand": "hash",
    "refusals": "hash",
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
        base + "waitlist",
        base + "joined",
        base + "counts",
        base + "demand",
        base + "refusals",
    )


def refusal_bucket(slug: str, bucket: int) -> str:
    return f"coupon:{{{slug}}}:refusals:{bucket}"


def login_name(name: str, kind: str = "") -> str:
    """`kind`: empty for passwords, `-code` for codes; never a part of a stranger's text."""
    return f"coupon:login{kind}:{{login}}:{name_digest(name)}"


def login_address(address: str, kind: str = "") -> str:
    return login_address_of(name_digest(address), kind)


def login_address_of(digest: str, kind: str = "") -> str:
    return f"{login_everybody(kind)}:{digest}"


def login_everybody(kind: str = "") -> str:
    return f"coupon:login{kind}s:{{login}}"


def name_digest(text: str) -> str:
    """A hash of fixed length, since text typed by strangers has any length and any characters."""
    return blake2b(text.encode(errors="replace"), digest_size=16).hexdigest()


LOGIN_EVERYBODY = login_everybody()
LOGINS = "coupon:login*:{login}*"  # glob pattern of all login keys
