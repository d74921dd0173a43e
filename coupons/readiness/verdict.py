"""The board in one sentence: what will happen to the opening, or what has happened to it."""

from django.utils.translation import gettext as _

from coupons.audit import labels
from coupons.claims.timestamps import local_text
from coupons.models import Campaign
from coupons.readiness.board import Board

State = Campaign.State


def opening_verdict(board: Board) -> str:
    campaign, override = board.campaign, board.overridden
    text = _of_held(board) if board.held else _SENTENCES[board.state](board)
    return text.format(
        slug=campaign.slug,
        opens=local_text(campaign.opens_at),
        closes=local_text(campaign.closes_at),
        actor=override.actor if override else "",
        reason=labels.event_details(override) if override else "",
    )


def _of_held(board: Board) -> str:
    if board.is_ahead:
        return _(
            "{slug} is held back. Before {opens} it is released once nothing is red; "
            "later it opens only by an override."
        )
    return _(
        "{slug} is held back since before {opens}, its opening. It opens only by an override now, "
        "also when nothing is red any more."
    )


def held_for(board: Board) -> str:
    """`eviction (ready now), broker (still not ready)`: why the opening was held back, and what the
    board says of it now. "": it isn't held back."""
    checks = (board.held.data or {}).get("checks", ()) if board.held else ()
    red_now = {line.name for line in board.reds}
    return ", ".join(_check_now(name, is_red=name in red_now) for name in checks)


def _check_now(name: str, *, is_red: bool) -> str:
    text = _("{} (still not ready)") if is_red else _("{} (no longer red)")
    return text.format(labels.check_label(name))


def _of_scheduled(board: Board) -> str:
    if board.blocks:
        return _("{slug} is not ready: it will be held back before it opens at {opens}.")
    if board.not_ready:
        return _("{slug} is not ready, and opens at {opens} all the same: HOLD_BACK_S is 0.")
    if board.overridden:
        return _("{slug} opens at {opens}, as {actor} decided: {reason}")
    return _("{slug} is ready to open at {opens}.")


def _of_paused(board: Board) -> str:
    if not board.is_ahead:
        return _("{slug} is paused; its opening was at {opens}.")
    if board.blocks:
        return _("{slug} is paused and not ready: resumed, it would be held back before {opens}.")
    return _("{slug} is paused: resumed, it opens at {opens}.")


def _of_draft(board: Board) -> str:
    if not board.is_ahead:
        return _("{slug} is a draft. Once scheduled it would open at once: {opens} is over.")
    if board.blocks:
        return _("{slug} is a draft, not ready: scheduled, it would be held back before {opens}.")
    return _("{slug} is a draft. Scheduled, it would open at {opens}.")


def _of_open(board: Board) -> str:
    if board.reds:
        return _("{slug} is open since {opens}, and something is red: nothing stops it by itself.")
    return _("{slug} is open since {opens}; nothing is red.")


def _of_closed(board: Board) -> str:
    return _("{slug} is over since {closes}.")


_SENTENCES = {
    State.DRAFT: _of_draft,
    State.SCHEDULED: _of_scheduled,
    State.OPEN: _of_open,
    State.PAUSED: _of_paused,
    State.CLOSED: _of_closed,
}
