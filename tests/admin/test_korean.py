"""The Korean catalogue is complete, and the compiled file matches its source."""

import ast
import gettext
import re
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation.template import templatize

ASKING = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "Counted"}
ASKED = re.compile(r" n?gettext\(u(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')")
FOLDER = Path("coupons/assets/locale/ko/LC_MESSAGES")
ENTRY = re.compile(
    r'^msgid ((?:".*"\n)+)(?:msgid_plural ((?:".*"\n)+))?msgstr(?:\[0\])? ((?:".*"\n?)+)', re.M
)


def unquoted_text(quoted: str) -> str:
    return "".join(literal_eval(line) for line in quoted.split("\n") if line)


def catalogue_entries() -> dict[str, tuple[str, str]]:
    """English text → (its English plural, its Korean translation)."""
    found = ENTRY.findall((FOLDER / "django.po").read_text() + "\n")
    return {
        unquoted_text(one): (unquoted_text(many), unquoted_text(korean))
        for one, many, korean in found
        if unquoted_text(one)
    }


def test_every_text_is_translated() -> None:
    assert len(catalogue_entries()) > 100
    assert [english for english, (_, korean) in catalogue_entries().items() if not korean] == []


def translatable_texts() -> Iterator[str]:
    """Every text that the code or a template passes to gettext."""
    for folder in (Path("coupons"), Path("config")):
        for module in folder.rglob("*.py"):
            yield from _of_module(ast.parse(module.read_text()))
        for page in folder.rglob("*.html"):
            yield from map(literal_eval, ASKED.findall(templatize(page.read_text())))


def _of_module(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(str(text)), *_]) if (
                name in ASKING
            ):
                yield text


def test_no_text_of_ours_was_forgotten() -> None:
    ours = set(translatable_texts())
    assert {"opens %(opens)s", "Too many requests at once"} < ours
    assert ours - catalogue_entries().keys() == set()


def test_placeholders_survive_translation() -> None:
    placeholder = re.compile(r"%\(\w+\)s|%s|\{\w*(?:!r)?\}")
    for english, (_, korean) in catalogue_entries().items():
        assert sorted(placeholder.findall(english)) == sorted(placeholder.findall(korean)), english


def test_the_compiled_catalogue_says_the_same() -> None:
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for english, (plural, korean) in catalogue_entries().items():
        translated = compiled.ngettext(english, plural, 1) if plural else compiled.gettext(english)
        assert translated == korean, f"Compile it again: msgfmt -o django.mo django.po ({english})"
