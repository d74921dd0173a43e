"""Checks of the deciding Redis: its clock, memory, eviction policy, persistence and replicas."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.monitoring import capacity, clock_skew
from coupons.readiness.result import Line, amber, green, red
from coupons.store import store

MEMORY_AMBER, MEMORY_RED = 0.6, 0.9  # of the maximum, when everything for sale is claimed
LAG_AMBER_BYTES = 1_000_000  # some thousands of decisions that a failover would lose

ServerInfo = Mapping[str, Any]


def redis_lines() -> list[Line]:
    """Raises StoreAway."""
    info = store().server.read_info()
    return [
        clock_line(),
        memory_line(info),
        eviction_line(info),
        persistence_line(info),
        replicas_line(info),
    ]


def clock_line() -> Line:
    """Redis' clock against this host's. Raises StoreAway."""
    skew = clock_skew.measure_skew()
    seen = _("Redis' clock is {ms:+,} ms from this host's (± {within:,} ms).").format(
        ms=-round(skew.ahead_ms), within=ceil(skew.within_ms)
    )
    do = _("Let both hosts keep time by NTP (chronyc tracking). The sale opens by Redis' clock.")
    if skew.off_ms >= clock_skew.RED_MS:
        return red("clock", seen, do)
    return amber("clock", seen, do) if skew.off_ms >= clock_skew.AMBER_MS else green("clock", seen)


def memory_line(info: ServerInfo) -> Line:
    """Whether the memory is enough for all coupons that may still be claimed, in all installed
    campaigns. Raises StoreAway."""
    maximum = info.get("maxmemory") or info.get("total_system_memory") or 0
    need = _still_needed()
    after = info["used_memory"] + need
    if not maximum:
        do = _("Set maxmemory, so that the headroom can be computed.")
        return amber("memory", _("Redis does not say how much memory it may use."), do)
    seen = _("{used} of {most} used; what is for sale needs {need} more: {share:.0%}.").format(
        used=_size(info["used_memory"]),
        most=_size(maximum),
        need=_size(need),
        share=after / maximum,
    )
    do = _("Take a larger Redis (manage.py plan_capacity), or a smaller stock.")
    if after > MEMORY_RED * maximum:
        return red("memory", seen, do)
    return amber("memory", seen, do) if after > MEMORY_AMBER * maximum else green("memory", seen)


def _still_needed() -> int:
    """Bytes needed if every coupon still for sale is claimed and none of them is stored yet."""
    measured = capacity.load_measurements()
    gates = store().campaigns.gates(store().campaigns.installed_slugs()).values()
    left = sum(gate.remaining for gate in gates if gate and gate.closes_ms > gate.now_ms)
    return round(left * (measured.bytes_per_claimant + measured.bytes_per_waiting_claim))


def eviction_line(info: ServerInfo) -> Line:
    policy = info.get("maxmemory_policy")
    if policy == "noeviction":
        return green("eviction", _("Redis deletes no key when its memory is full (noeviction)."))
    return red(
        "eviction",
        _("Redis may evict keys: its maxmemory-policy is {policy}.").format(policy=policy),
        "redis-cli CONFIG SET maxmemory-policy noeviction",
    )


def persistence_line(info: ServerInfo) -> Line:
    name = "persistence"
    if not info.get("aof_enabled"):
        return amber(
            name,
            _("The append-only file is off: what a restart loses must be rebuilt."),
            _("redis-cli CONFIG SET appendonly yes, unless the service is durable by itself."),
        )
    broken = [name for name in _WRITES if info.get(name, "ok") != "ok"]
    if broken:
        return red(
            name,
            _("The append-only file can't be written: {what}.").format(what=", ".join(broken)),
            _("Make room on Redis' disk (df -h), then redis-cli BGREWRITEAOF."),
        )
    return green(name, _("The append-only file is on, its last writes went well."))


_WRITES = ("aof_last_write_status", "aof_last_bgrewrite_status")


def replicas_line(info: ServerInfo) -> Line:
    name, wanted = "replicas", settings.REDIS_WAIT_REPLICAS
    if info.get("role") != "master":
        do = _("Point REDIS_URL at the primary.")
        return red(name, _("This Redis is a replica: it refuses to decide."), do)
    replicas = [
        value for key, value in info.items() if key.startswith("slave") and key[5:].isdigit()
    ]
    online = [replica for replica in replicas if replica.get("state") == "online"]
    if len(online) < wanted:
        return red(
            name,
            ngettext(
                "{count} replica, and every admission waits for {wanted}.",
                "{count} replicas, and every admission waits for {wanted}.",
                len(online),
            ).format(count=len(online), wanted=wanted),
            _(
                "Repair the replicas. Before lowering REDIS_WAIT_REPLICAS, check what could"
                " be lost."
            ),
        )
    lag = max((info["master_repl_offset"] - replica["offset"] for replica in online), default=0)
    seen = ngettext(
        "{count} replica, {lag:,} bytes behind.",
        "{count} replicas, the slowest {lag:,} bytes behind.",
        len(online),
    ).format(count=len(online), lag=lag)
    if lag > LAG_AMBER_BYTES or len(online) < len(replicas):
        return amber(name, seen, _("See what slows the replica: redis-cli INFO replication."))
    return green(name, seen if online else _("No replica, and none is waited for."))


def _size(count: float) -> str:
    return f"{count / 2**20:,.0f} MiB"
