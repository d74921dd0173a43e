"""ElastiCache's access strings: what it refuses in one, and when two mean the same."""

from __future__ import annotations

# Commands that ElastiCache refuses to everybody: an access string that names one is refused.
# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/SupportedCommands.html
FORBIDDEN = frozenset(
    {
        "acl|deluser", "acl|load", "acl|save", "acl|setuser", "bgrewriteaof", "bgsave", "config",
        "debug", "migrate", "psync", "replicaof", "save", "shutdown", "slaveof", "sync",
    }
)  # fmt: skip
IMPLIED = frozenset({"-@all", "resetchannels", "resetkeys"})  # where every access string begins


def is_forbidden(rule: str) -> bool:
    """Whether a rule like `+config|get` names a command that ElastiCache refuses."""
    command = rule[1:].lower()
    return rule[0] in "+-" and bool({command, command.partition("|")[0]} & FORBIDDEN)


def grants_the_same(found: str, wanted: str) -> bool:
    """Whether two access strings give the same rights. AWS writes `-@all` before the first right of
    its own accord; the order of rights is without meaning while none is taken away."""
    return _rights(found) == _rights(wanted)


def _rights(access: str) -> tuple[frozenset[str], frozenset[str]]:
    """(all rules, and those after the first right that take rights away again)."""
    rules = access.split()
    first = next((i for i, rule in enumerate(rules) if rule.startswith("+")), len(rules))
    before = (rule for rule in rules[:first] if rule not in IMPLIED)
    later = frozenset(rule for rule in rules[first:] if rule.startswith("-") or rule in IMPLIED)
    return frozenset({*before, *rules[first:]}), later
