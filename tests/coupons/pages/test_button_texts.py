"""The button's script has its texts in both languages, since it runs on pages of others."""

import re

from coupons.pages.views import SCRIPT

TEXT = re.compile(r"^      (\w+): (.*?)(?=^      \w+: |^    \},)", re.M | re.S)


def texts_of(language: str) -> dict[str, str]:
    script = SCRIPT.read_text()
    block = script.partition(f"    {language}: {{\n")[2].partition("\n    },\n")[0] + "\n    },\n"
    return dict(TEXT.findall(block))


def test_both_languages_have_the_same_texts_with_the_same_values() -> None:
    english, korean = texts_of("en"), texts_of("ko")
    assert len(english) > 40 and english.keys() == korean.keys()
    for name, text in english.items():
        assert set(re.findall(r"\$\{(\w+)\}", text)) == set(
            re.findall(r"\$\{(\w+)\}", korean[name])
        )


def test_each_text_is_used() -> None:
    script = SCRIPT.read_text()
    assert not [name for name in texts_of("en") if f"t.{name}" not in script]
