"""15.7: the version is defined in one place, and shown where people look for it."""

import re
import tomllib

import pytest
from django.test import Client

import coupons
from config import env
from config.worker import consumer
from coupons.monitoring.collectors import Build

CHANGELOG = (env.BASE_DIR / "CHANGELOG.md").read_text()


def test_15_7_it_is_a_release_that_the_changelog_describes() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", coupons.__version__)
    assert re.search(rf"^## {re.escape(coupons.__version__)}\b", CHANGELOG, re.MULTILINE)


def test_15_7_no_other_file_states_it() -> None:
    project = tomllib.loads((env.BASE_DIR / "pyproject.toml").read_text())
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "coupons.__version__"}


def test_15_7_every_release_begins_with_what_an_operator_must_do() -> None:
    releases = re.findall(r"^## (\d\S*).*\n+(.*)", CHANGELOG, re.MULTILINE)
    assert releases
    assert [name for name, first in releases if first != "### What you must do"] == []


def test_15_7_probes_metrics_and_the_admin_show_it(db: None) -> None:
    assert Client().get("/livez").json()["version"] == coupons.__version__
    assert f'"version": "{coupons.__version__}"'.encode() in consumer.answer_alive()[2]
    (family,) = Build().collect()
    assert family.samples[0].labels["version"] == coupons.__version__
    assert f"Version {coupons.__version__}" in Client().get("/admin/login/").content.decode()


@pytest.mark.parametrize("language", ["ko"])
def test_15_7_in_korean_too(db: None, language: str) -> None:
    page = Client(headers={"Accept-Language": language}).get("/admin/login/").content.decode()
    assert f"버전 {coupons.__version__}" in page
