"""The index of DECISIONS.md lists every decision once, and nothing else."""

import re

from config import env

STATUS = ("stands", "superseded by “", "amended by “", "holds for ", "figures: ")


def test_every_decision_stands_in_the_index_once_with_its_date_and_status() -> None:
    text = (env.BASE_DIR / "DECISIONS.md").read_text()
    decided = sorted(re.findall(r"^## (\d{4}-\d\d-\d\d) · (.+)$", text, re.M))
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| (\d{4}-\d\d-\d\d) \| ([^|]+) \|$", text, re.M)
    assert len(decided) > 90, "it reads nothing"
    assert sorted((date, title) for _subject, title, date, _status in rows) == decided
    titles = {title for _, title in decided}
    for _subject, title, _date, status in rows:
        assert status.startswith(STATUS), title
        assert set(re.findall("“(.+?)”", status)) <= titles, title
