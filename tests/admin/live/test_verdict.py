"""The verdict on a sale: for each thing that can be wrong its light and its words."""

from dataclasses import replace
from typing import Any

import pytest
from django.utils import translation

from coupons.admin.live import findings
from coupons.admin.live.quantities import clock_text
from coupons.admin.live.seen import (
    ABOVE_MS,
    Checks,
    Demand,
    Seen,
    counts_by_word,
    demand_of,
    percentile_ms,
)
from coupons.admin.live.verdict import judge_sale
from coupons.audit.durations import duration_text
from coupons.campaigns.demand import DEMAND_BUCKETS_MS, DemandSecond
from coupons.readiness.result import Light
from coupons.readiness.workers import CANARY_AMBER_S, CANARY_RED_S, SWEEP_AMBER_S, SWEEP_RED_S

RUNNING = Seen(
    state="open", opens_in_ms=-5_000, closes_in_ms=3_600_000, stock=5_000, admitted=3_120,
    stored=3_000, waiting=120, parked=0, oldest_ms=300, slowest_ms=800, canary_ms=2_000,
    sweep_ms=500, rate=1_204, recent=Demand(placed=3_120, refused=100), asked_since_opening=6_000,
    p99_ms=5,
)  # fmt: skip
ALIVE: dict[str, Any] = {"canary_ms": 2_000, "sweep_ms": 500}
AHEAD = Seen(
    state="scheduled", opens_in_ms=10_000, closes_in_ms=3_600_000, stock=5_000, admitted=0,
    waiting=0, parked=0, checks=Checks(12, 12), **ALIVE,
)  # fmt: skip
SOLD_OUT = replace(
    RUNNING, admitted=5_000, stored=5_000, waiting=0, oldest_ms=None, sold_out_after_ms=900
)


@pytest.fixture(autouse=True)
def english() -> Any:
    with translation.override("en"):
        yield


GREEN, AMBER, RED, GREY = Light.GREEN, Light.AMBER, Light.RED, Light.GREY

# What was seen, the light, the word, and the sentence.
TABLE: dict[str, tuple[Seen, Light, str, str]] = {
    "going well": (RUNNING, GREEN, "Going well", "1,204 claims a second, all stored within 0.8 s."),
    "nobody waits": (
        replace(RUNNING, waiting=0, oldest_ms=None, slowest_ms=None, rate=3),
        GREEN, "Going well", "3 claims a second, all stored.",
    ),
    "ready": (AHEAD, GREEN, "Ready", "12 of 12 checks green, opens in 00:10."),
    "checks not known": (
        replace(AHEAD, checks=None), GREY, "Scheduled",
        "the checks are not known yet, opens in 00:10.",
    ),
    "red check": (
        replace(AHEAD, checks=Checks(11, 12, ("worker",), will_hold=True)), RED, "Act",
        "11 of 12 checks green, red: worker. It will be held back in 00:10.",
    ),
    "red check, the hold comes a minute before the opening": (
        replace(
            AHEAD, opens_in_ms=159_000,
            checks=Checks(11, 12, ("eviction",), will_hold=True, hold_before_ms=60_000),
        ), RED, "Act",
        "11 of 12 checks green, red: eviction. It will be held back in 01:39.",
    ),
    "red check, overridden": (
        replace(AHEAD, checks=Checks(11, 12, ("worker",))), RED, "Act",
        "11 of 12 checks green, red: worker. Opens in 00:10.",
    ),
    "amber check": (
        replace(AHEAD, checks=Checks(11, 12, (), ("warm-up",))), AMBER, "Look",
        "11 of 12 checks green, look at: warm-up. Opens in 00:10.",
    ),
    "sold out": (
        SOLD_OUT, GREEN, "Going well",
        "sold out 0.9 s after the opening, all stored within 0.8 s; 1,204 claims a second.",
    ),
    "sold out, moment not known": (
        replace(SOLD_OUT, sold_out_after_ms=None), GREEN, "Going well",
        "sold out, 5,000 of 5,000, all stored within 0.8 s; 1,204 claims a second.",
    ),
    "stalled worker": (
        replace(RUNNING, waiting=2_311, oldest_ms=14_000), RED, "Act",
        "Storing stands still: waiting 2,311, the oldest for 14 s. Restart the worker.",
    ),
    "storing behind": (
        replace(RUNNING, oldest_ms=4_000), AMBER, "Look",
        "Storing is behind: waiting 120, the oldest for 4 s.",
    ),
    "redis away": (
        Seen(state="open", redis_answers=False, stored=12), RED, "Act",
        "Redis does not answer: claims get 503, and no figure is known. Start it.",
    ),
    "redis away, direct": (
        Seen(state="open", redis_answers=False, is_queued=False), AMBER, "Look",
        "Redis does not answer: demand is not known. This campaign issues without it.",
    ),
    "lost": (
        replace(RUNNING, is_lost=True, admitted=None, waiting=None), RED, "Act",
        "Redis has lost this campaign: it is closed for repair. Run manage.py rebuild.",
    ),
    "damaged": (
        replace(RUNNING, is_damaged=True, admitted=None, waiting=None), RED, "Act",
        "What Redis holds of this campaign can't be read. See its board.",
    ),
    "parked": (
        replace(RUNNING, parked=3), AMBER, "Look",
        "Parked claims: 3. Their users were told, and have no coupon yet.",
    ),
    "many parked": (
        replace(RUNNING, parked=findings.PARKED_RED), RED, "Act",
        "Parked claims: 100. Their users were told, and have no coupon yet.",
    ),
    "told and nowhere": (
        replace(RUNNING, missing=2), RED, "Act",
        "Claims that were told and are in no store: 2. Run manage.py reconcile --repair.",
    ),
    "dead beat": (
        replace(RUNNING, sweep_ms=45_000, canary_ms=44_000), RED, "Act",
        "Beat or every worker is dead: the last sweep was 45 s ago. Start them.",
    ),
    "never swept": (
        replace(RUNNING, sweep_ms=None, canary_ms=None), RED, "Act",
        "Beat or every worker is dead: the last sweep was never. Start them.",
    ),
    "sweeps late": (
        replace(RUNNING, sweep_ms=12_000), AMBER, "Look",
        "Sweeps are late: the last one was 12 s ago.",
    ),
    "sweeps fail while workers live": (
        replace(RUNNING, sweep_ms=31_000), RED, "Act",
        "Sweeps are late: the last one was 31 s ago.",
    ),
    "canary late": (
        replace(RUNNING, canary_ms=16_000), AMBER, "Look",
        "The canary is late: a worker answered the last one 16 s ago.",
    ),
    "canary very late": (
        replace(RUNNING, canary_ms=61_000), RED, "Act",
        "The canary is late: a worker answered the last one 61 s ago.",
    ),
    "one claim": (
        replace(RUNNING, rate=1), GREEN, "Going well", "1 claim a second, all stored within 0.8 s.",
    ),
    "nothing asked": (
        replace(RUNNING, opens_in_ms=-12_000, asked_since_opening=0, rate=0, recent=Demand()),
        AMBER, "Look",
        "No claim since the opening 00:12 ago. Do the event page and the front work?",
    ),
    "nothing asked yet": (
        replace(RUNNING, opens_in_ms=-9_000, asked_since_opening=0, rate=0, recent=Demand()),
        GREEN, "Going well", "0 claims a second, all stored within 0.8 s.",
    ),
    "nothing asked since a late resume": (
        replace(
            RUNNING, opens_in_ms=-60_000, resumed_ms=12_000, asked_since_opening=0, rate=0,
            recent=Demand(),
        ), AMBER, "Look",
        "No claim since it was resumed 00:12 ago. Do the event page and the front work?",
    ),
    "nothing asked yet since a late resume": (
        replace(
            RUNNING, opens_in_ms=-60_000, resumed_ms=4_000, asked_since_opening=0, rate=0,
            recent=Demand(),
        ), GREEN, "Going well", "0 claims a second, all stored within 0.8 s.",
    ),
    "nothing asked, resumed before the opening": (
        replace(
            RUNNING, opens_in_ms=-12_000, resumed_ms=90_000, asked_since_opening=0, rate=0,
            recent=Demand(),
        ), AMBER, "Look",
        "No claim since the opening 00:12 ago. Do the event page and the front work?",
    ),
    "it has just begun": (
        replace(RUNNING, opens_in_ms=-900, rate=None, admitted=20, slowest_ms=None, waiting=20),
        GREEN, "Going well", "it begins; the rate is not known yet.",
    ),
    "mysql away": (
        replace(RUNNING, mysql_answers=False, oldest_ms=40_000, sweep_ms=40_000), RED, "Act",
        "MySQL does not answer: claims are admitted and wait in Redis. Start it.",
    ),
    "mysql away, sold out": (
        replace(SOLD_OUT, mysql_answers=False), RED, "Act",
        "MySQL does not answer: what was admitted waits in Redis. Start it.",
    ),
    "mysql away, direct": (
        replace(RUNNING, mysql_answers=False, is_queued=False, admitted=None), RED, "Act",
        "MySQL does not answer: claims of this campaign get 503. Start it.",
    ),
    "mysql is back": (
        replace(RUNNING, oldest_ms=40_000, sweep_ms=40_000, canary_ms=40_000, storable_ms=2_000),
        AMBER, "Look", "The canary is late: a worker answered the last one 40 s ago.",
    ),
    "mysql is back, and storing stands still": (
        replace(RUNNING, oldest_ms=40_000, storable_ms=11_000), RED, "Act",
        "Storing stands still: waiting 120, the oldest for 40 s. Restart the worker.",
    ),
    "turned away": (
        replace(RUNNING, recent=Demand(placed=95, turned_away=5)), AMBER, "Look",
        "5 % of the requests are turned away: by a limit or because we are full.",
    ),
    "many turned away": (
        replace(RUNNING, recent=Demand(placed=60, refused=10, turned_away=30)), RED, "Act",
        "30 % of the requests are turned away: by a limit or because we are full.",
    ),
    "one of few turned away": (
        replace(RUNNING, recent=Demand(placed=3, turned_away=2)), GREEN, "Going well",
        "1,204 claims a second, all stored within 0.8 s.",
    ),
    "errors": (
        replace(RUNNING, recent=Demand(placed=995, errors=5)), AMBER, "Look",
        "0.5 % of the requests end in an error. See the log of the web processes.",
    ),
    "many errors": (
        replace(RUNNING, recent=Demand(placed=50, errors=50)), RED, "Act",
        "50 % of the requests end in an error. See the log of the web processes.",
    ),
    "slow": (
        replace(RUNNING, p99_ms=1_000), AMBER, "Look",
        "Answers are slow: one in a hundred takes more than 0.5 s.",
    ),
    "very slow": (
        replace(RUNNING, p99_ms=ABOVE_MS), AMBER, "Look",
        "Answers are slow: one in a hundred takes more than 1 s.",
    ),
    "paused": (
        replace(RUNNING, state="paused", rate=900), AMBER, "Look",
        "It is paused, and refuses 900 claims a second.",
    ),
    "paused ahead": (
        replace(AHEAD, state="paused"), AMBER, "Look", "It is paused, and would open in 00:10.",
    ),
    "held back": (
        replace(AHEAD, state="paused", is_held=True), RED, "Act",
        "The opening is held back, and would be in 00:10: see its board.",
    ),
    "held back, its time is over": (
        replace(RUNNING, state="paused", is_held=True), RED, "Act",
        "The opening is held back: see its board.",
    ),
    "draft": (
        Seen(state="draft", admitted=0), GREY, "Draft", "It will not open until it is scheduled.",
    ),
    "closed": (
        replace(SOLD_OUT, state="closed", slowest_ms=None), GREY, "Closed",
        "issued 5,000 of 5,000, all stored.",
    ),
    "closed while claims wait": (
        replace(RUNNING, state="closed", oldest_ms=20_000), RED, "Act",
        "Storing stands still: waiting 120, the oldest for 20 s. Restart the worker.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_what_is_seen_has_its_light_and_its_words(case: str) -> None:
    seen, light, word, text = TABLE[case]
    judged = judge_sale(seen)
    assert (judged.light, judged.word, judged.text) == (light, word, text)


def test_a_sold_out_sale_says_its_moment_as_every_other_page_does() -> None:
    text = judge_sale(replace(SOLD_OUT, sold_out_after_ms=1_676)).text
    assert text.startswith(f"sold out {duration_text(1_676)} after the opening"), text


@pytest.mark.parametrize(
    ("case", "in_ms"),
    [("ready", 10_000), ("paused ahead", 10_000), ("checks not known", 10_000),
     ("red check, the hold comes a minute before the opening", 99_000)],
)  # fmt: skip
def test_the_clock_of_a_sentence_is_told_so_that_it_runs(case: str, in_ms: int) -> None:
    judged = judge_sale(TABLE[case][0])
    assert judged.clock is not None
    assert judged.clock.in_ms == in_ms
    assert judged.clock.text in judged.text


def test_while_both_stores_are_away_both_are_told() -> None:
    judged = judge_sale(Seen(state="open", redis_answers=False, mysql_answers=False))
    assert "claims get 503" in judged.text
    assert [finding.text for finding in judged.also] == [
        "MySQL does not answer: what was admitted waits in Redis. Start it."
    ]


def running(name: str, value: Any) -> Seen:
    """The sale that goes well, with one value changed."""
    changed: dict[str, Any] = {name: value}
    return replace(RUNNING, **changed)


@pytest.mark.parametrize(
    ("name", "just_well", "too_much"),
    [
        ("oldest_ms", findings.WAITS_AMBER_MS, findings.WAITS_AMBER_MS + 1),
        ("parked", 0, 1),
        ("canary_ms", 1000 * CANARY_AMBER_S, 1000 * CANARY_AMBER_S + 1),
        ("sweep_ms", 1000 * SWEEP_AMBER_S, 1000 * SWEEP_AMBER_S + 1),
        ("p99_ms", findings.P99_AMBER_MS, 1_000),
        ("missing", 0, 1),
    ],
)
def test_each_threshold_is_where_it_is_said_to_be(name: str, just_well: int, too_much: int) -> None:
    assert judge_sale(running(name, just_well)).light is GREEN
    assert judge_sale(running(name, too_much)).light is not GREEN


@pytest.mark.parametrize(
    ("name", "amber", "red"),
    [
        ("oldest_ms", findings.STALLED_MS, findings.STALLED_MS + 1),
        ("parked", findings.PARKED_RED - 1, findings.PARKED_RED),
        ("canary_ms", 1000 * CANARY_RED_S, 1000 * CANARY_RED_S + 1),
        ("sweep_ms", 1000 * SWEEP_RED_S, 1000 * SWEEP_RED_S + 1),
    ],
)
def test_each_worse_threshold_too(name: str, amber: int, red: int) -> None:
    assert judge_sale(running(name, amber)).light is AMBER
    assert judge_sale(running(name, red)).light is RED


def test_the_worst_is_the_verdict_and_the_rest_is_told_below() -> None:
    judged = judge_sale(
        replace(RUNNING, parked=3, missing=1, recent=Demand(placed=95, turned_away=5))
    )
    assert judged.light is RED
    assert "in no store" in judged.text
    assert [finding.light for finding in judged.also] == [AMBER, AMBER]


def test_while_redis_is_away_nothing_else_is_claimed() -> None:
    judged = judge_sale(Seen(state="open", redis_answers=False, canary_ms=None, sweep_ms=None))
    assert judged.also == ()


def test_the_verdict_is_in_the_operators_language() -> None:
    with translation.override("ko"):
        assert judge_sale(RUNNING).word == "순조로움"
        for seen, *_ in TABLE.values():
            judged = judge_sale(seen)
            assert any("가" <= letter <= "힣" for letter in judged.word + judged.text)


# The values it judges by


def second(ms: int, latency: tuple[int, ...] = (), **counts: int) -> DemandSecond:
    return DemandSecond(ms, counts, latency + (0,) * (len(DEMAND_BUCKETS_MS) + 1 - len(latency)))


def test_what_was_asked_is_told_apart_by_what_became_of_it() -> None:
    seconds = [
        second(0, admitted=5, already_claimed=1, sold_out=7, not_open=2),
        second(1_000, queue_full=3, too_many_requests=2, overloaded=1, store_away=4, key_missing=1),
    ]
    assert demand_of(seconds) == Demand(placed=5, repeats=1, refused=9, turned_away=6, errors=5)
    assert counts_by_word(seconds)["queue_full"] == 3


def test_the_percentile_is_the_upper_bound_of_its_bucket() -> None:
    assert percentile_ms([second(0)]) is None
    assert percentile_ms([]) is None
    assert percentile_ms([second(0, (98, 2))]) == DEMAND_BUCKETS_MS[1]
    assert percentile_ms([second(0, (99, 1))]) == DEMAND_BUCKETS_MS[0]
    assert percentile_ms([second(0, (50,)), second(1, (0,) * 10 + (50,))]) == ABOVE_MS


@pytest.mark.parametrize(
    ("ms", "text"),
    [(10_000, "00:10"), (9_001, "00:10"), (-12_000, "00:12"), (3_723_000, "1:02:03"),
     (259_200_000, "3 days")],
)  # fmt: skip
def test_distances_in_time(ms: int, text: str) -> None:
    assert clock_text(ms) == text


@pytest.mark.parametrize("case", TABLE)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_is_spoken_has_no_number_that_runs(case: str, language: str) -> None:
    with translation.override(language):
        spoken = judge_sale(TABLE[case][0]).spoken
    assert spoken, case
    running = spoken.replace("503", "")  # an answer's status
    assert not any(letter.isdigit() for letter in running), spoken
