"""Translates security groups and routes into one nftables chain, as text; the router loads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.rehearsal.topology import OPERATOR, WORLD, Place, Rule, Topology

OUTSIDE = {"operator": OPERATOR, "world": WORLD}


def make_ruleset(topology: Topology, cards: Mapping[str, str]) -> str:
    """`cards` are the router's interfaces to each place, to operator and world."""
    inside = {place: cards[place.name] for place in topology.places}
    outside = {cards[name]: address for name, address in OUTSIDE.items()}
    lines = [
        "flush ruleset",
        "table inet vpc {",
        *_nat_rules(inside, outside),
        *(
            line
            for place, card in inside.items()
            for line in _place_rules(topology, place, card, outside)
        ),
        "  chain forward {",
        "    type filter hook forward priority filter; policy drop;",
        *(f'    iifname "{card}" ip saddr != {address} drop' for card, address in outside.items()),
        *(
            f'    iifname "{card}" ip saddr != {place.address} drop'
            for place, card in inside.items()
        ),
        "    ct state established,related accept",
        # From outside by public addresses only: private ones are not routed there.
        f"    iifname {_nft_set(outside)} ct status & dnat == 0 drop",
        *(f'    iifname "{card}" jump from_{card}' for card in inside.values()),
        *(f'    oifname "{card}" jump to_{card}' for card in inside.values()),
        f"    iifname {_nft_set(inside.values())} accept",
        f"    oifname {_nft_set(inside.values())} accept",
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _nat_rules(inside: Mapping[Place, str], outside: Mapping[str, str]) -> Iterator[str]:
    ends = _nft_set(outside)
    yield "  chain inwards {"
    yield "    type nat hook prerouting priority dstnat;"
    for place in inside:
        if place.public:
            yield f"    iifname {ends} ip daddr {place.public} dnat ip to {place.address}"
    yield "  }"
    yield "  chain outwards {"
    yield "    type nat hook postrouting priority srcnat;"
    for place in inside:
        if place.seen_as:
            yield f"    oifname {ends} ip saddr {place.address} snat ip to {place.seen_as}"
    yield "  }"


def _place_rules(
    topology: Topology, place: Place, card: str, outside: Mapping[str, str]
) -> Iterator[str]:
    groups = [topology.groups[id] for id in place.groups]
    yield f"  chain from_{card} {{"
    if not place.seen_as:
        yield f"    oifname {_nft_set(outside)} drop"
    for group in groups:
        for rule in group.egress:
            yield from _rule_lines(topology, rule, "daddr")
    yield "    drop"
    yield "  }"
    yield f"  chain to_{card} {{"
    for group in groups:
        for rule in group.ingress:
            yield from _rule_lines(topology, rule, "saddr")
    yield "    drop"
    yield "  }"


def _rule_lines(topology: Topology, rule: Rule, side: str) -> Iterator[str]:
    addresses = [one for peer in rule.peers for one in _peer_addresses(topology, peer)]
    if addresses:
        yield f"    ip {side} {{ {', '.join(sorted(set(addresses)))} }} {_match_of(rule)}return"


def _peer_addresses(topology: Topology, peer: str) -> list[str]:
    """A group stands for its members' private addresses."""
    if not peer.startswith("sg-"):
        return [peer]
    return [place.address for place in topology.places if peer in place.groups]


def _match_of(rule: Rule) -> str:
    if rule.protocol == "-1":
        return ""
    ports = f"{rule.first}-{rule.last}" if rule.first != rule.last else str(rule.first)
    return f"{rule.protocol} dport {ports} "


def _nft_set(cards: object) -> str:
    assert hasattr(cards, "__iter__")
    return "{ " + ", ".join(f'"{card}"' for card in cards) + " }"
