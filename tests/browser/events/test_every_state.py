"""18.8: every state of the public pages, in both languages and themes and at three widths: axe
finds no violation, everything fits, and the pictures go to build/pages for people to look at.

Every width, theme and language is judged, in four of their twelve combinations;
`EVERY_STATE=whole` judges all of them.
"""

import os
from pathlib import Path

import pytest

from tests.browser.chromium import IN_CHROMIUM
from tests.browser.events.event_site import EventSite
from tests.browser.events.page_states import STATES, Stage
from tests.browser.events.visitors import SCRIPTS, Visitor, Visitors
from tests.conftest import CampaignMaker

pytestmark = [*IN_CHROMIUM, pytest.mark.django_db(transaction=True)]

PICTURES = Path("build/pages")
SEEN_BY = {
    "en": [(360, "light"), (1280, "dark")],
    "ko": [(360, "dark"), (768, "light")],
}
WHOLE = [(width, theme) for width in (360, 768, 1280) for theme in ("light", "dark")]


@pytest.fixture
def stage(
    site: EventSite, visitors: Visitors, open_campaign: CampaignMaker, language: str
) -> Stage:
    return Stage(site, visitors, open_campaign, language)


def faults_of(visitor: Visitor, picture: str, language: str) -> list[str]:
    faults = []
    is_whole = os.environ.get("EVERY_STATE") == "whole"
    for width, theme in WHOLE if is_whole else SEEN_BY[language]:
        visitor.set_width(width)
        visitor.set_theme(theme)
        found = visitor.axe_violations() + visitor.run_in_page((SCRIPTS / "fit.js").read_text())
        faults += [f"{width} {theme}: {fault}" for fault in found]
        name = f"events-{language}-{width}-{picture}{f'-{theme}' if is_whole else ''}.png"
        visitor.save_picture(PICTURES / name)
    return faults


@pytest.mark.parametrize("language", SEEN_BY)
@pytest.mark.parametrize("state", STATES)
def test_every_state_is_accessible_and_fits(stage: Stage, state: str, language: str) -> None:
    STATES[state](stage)
    assert faults_of(stage.visitor, state, language) == []
