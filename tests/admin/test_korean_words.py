"""Issue 12, 29: Korean as a native writes it: one term for each thing and no open particles, also
in the texts of Django itself on the admin's pages."""

import re
from ast import literal_eval
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.test import Client
from django.utils.translation import gettext, ngettext, override

from coupons.campaigns import recorded_states
from coupons.models import Campaign

OURS = Path("coupons/assets/locale/ko/LC_MESSAGES")
DJANGO = Path(django.__file__).parent
OF_DJANGO = ("contrib/admin", "contrib/auth")
ENTRY = re.compile(
    r'^(msgctxt .*\n)?msgid ((?:".*"\n)+)(?:msgid_plural ((?:".*"\n)+))?'
    r'msgstr(?:\[0\])? ((?:".*"\n?)+)',
    re.M,
)
# A banned word, and its replacement.
BANNED = {
    r"(?<!오픈 )보류": "격리 (a claim), 오픈 보류 (an opening)",
    r"소진|매진|모두 발급": "선착순 마감",
    r"작업자": "워커 (a process), 처리자 (a person)",
    r"(?<!레)벨[을이]?": "신호",
    r"잊지": "삭제하지",
    r"이해합니다|이해할 수 없": "형식",
    r"여기에는": "요청한 주소",
    r"그런 (캠페인|쿠폰|이름|표현)": "존재하지 않는",
    r"몇 번째": "사용자별 발급 회차",
    r"(?<!개)인정|포기": "영수증대로 발급, 발급 제외",
    r"재고": "수량",
    r"(?<!재)시작": "오픈 (a campaign), 실행 (a process)",
    r"결함": "개발팀에 알려 주세요",
    r"저장소": "Redis, MySQL, 발급 서비스",
    r"시계": "서버 시각",
    r"이제 '": "캠페인을 …했습니다",
    r"열립니다|다시 열": "오픈",
    r"당신|독자는|오브젝트|액션": "",
}  # fmt: skip
OPEN_PARTICLE = re.compile(
    r"은/는|는/은|을/를|를/을|이/가|가/이|와/과|과/와|[은을이과]\([는를가와]\)|[는를가와]\([은을이과]\)|"
    r"\((?:은|을|이|과|으)\)[는를가와로]|\(으\)로|\(이\)"
)
# Which of the two is right depends on the value: "캠페인을", but "세일를". Behind a value in
# brackets it goes with the word before them.
GUESSED_PARTICLE = re.compile(
    r"(?:\}|%s|\)s|%r|\)r)['\"”’]*(?:은|는|이|가|을|를|과|와|으로|로)(?![가-힣])"
)


def korean_messages(catalogue: Path) -> Iterator[tuple[str, str, str]]:
    for context, one, many, korean in ENTRY.findall(catalogue.read_text() + "\n"):
        if not context and unquoted_text(one):
            yield unquoted_text(one), unquoted_text(many), unquoted_text(korean)


def unquoted_text(quoted: str) -> str:
    return "".join(literal_eval(line) for line in quoted.split("\n") if line)


def shown_of_django() -> Iterator[tuple[str, str]]:
    """Korean texts of Django's own pages, from the merged catalogues."""
    with override("ko"):
        for app in OF_DJANGO:
            for one, many, _ in korean_messages(DJANGO / app / "locale/ko/LC_MESSAGES/django.po"):
                yield one, ngettext(one, many, 1) if many else gettext(one)


def all_texts() -> list[tuple[str, str]]:
    ours = [
        (one, korean)
        for name in ("django.po", "djangojs.po")
        for one, _, korean in korean_messages(OURS / name)
    ]
    return ours + list(shown_of_django())


def test_no_text_has_a_banned_word() -> None:
    found = [
        f"{korean!r}: write {better}"
        for _, korean in all_texts()
        for word, better in BANNED.items()
        if re.search(word, korean)
    ]
    assert found == []


def test_no_text_leaves_a_particle_open() -> None:
    assert [korean for _, korean in all_texts() if OPEN_PARTICLE.search(korean)] == []


@pytest.mark.parametrize(
    "bad",
    [
        "캠페인은/는",
        "캠페인을(를) 연다",
        "10(으)로 변경",
        "경로(이)가",
        "사용자와/과",
        "그룹은(는)",
    ],
)
def test_an_open_particle_is_found(bad: str) -> None:
    assert OPEN_PARTICLE.search(bad)


def test_no_text_guesses_the_particle_of_a_value() -> None:
    assert [korean for _, korean in all_texts() if GUESSED_PARTICLE.search(korean)] == []


@pytest.mark.parametrize(
    "bad", ["{slug}가 없습니다", "'%(name)s'을 삭제", "%s로 변경", "{key!r}가"]
)
def test_a_guessed_particle_is_found(bad: str) -> None:
    assert GUESSED_PARTICLE.search(bad)


def test_no_english_text_is_in_words_of_its_own() -> None:
    private = re.compile(r"\b(?:nobody|whoever|of late|another hand|bells?|forgets?|heard)\b", re.I)
    assert [one for one, _, _ in korean_messages(OURS / "django.po") if private.search(one)] == []


@pytest.mark.parametrize("bad", ["보류된 신청", "재고", "시작 시각", "벨을 들었습니다", "작업자"])
def test_a_banned_word_is_found(bad: str) -> None:
    assert any(re.search(word, bad) for word in BANNED)


@pytest.mark.parametrize("good", ["오픈 보류", "재시작하세요", "레벨"])
def test_a_good_word_is_not(good: str) -> None:
    assert not any(re.search(word, good) for word in BANNED)


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        ("parked", "저장 실패(격리)"),
        ("Parked claims", "격리된 신청"),
        ("held back", "오픈 보류"),
        ("sold out", "선착순 마감"),
        ("Sold out", "선착순 마감"),
        ("Workers (Flower)", "워커 (Flower)"),
        ("Only application/json is understood", "application/json 형식만 지원합니다"),
        ("There is nothing here", "요청한 주소를 찾을 수 없습니다"),
        ("There is no such campaign", "존재하지 않는 캠페인입니다"),
        ("n-th of the user", "사용자별 발급 회차"),
        ("Honour it", "영수증대로 발급"),
        ("Give up", "발급 제외"),
        ("stock", "수량"),
        ("opens at", "오픈 시각"),
        ("Report this to the developers.", "개발팀에 알려 주세요."),
        ("%(slug)s is paused now.", "%(slug)s 캠페인을 일시 중지했습니다."),
        ("View %s", "%s 보기"),
        (" By %(filter_title)s ", "%(filter_title)s별"),
        (
            "To the millisecond, by the deciding store's clock.",
            "Redis 서버 시각 기준으로 밀리초까지 정확히 적용됩니다.",
        ),
        (
            "Redis deletes no key when its memory is full (noeviction).",
            "메모리가 가득 차도 키를 삭제하지 않습니다(noeviction).",
        ),
        (
            "A worker answered a wake-up {age:.0f} s ago.",
            "워커가 {age:.0f}초 전에 신호에 응답했습니다.",
        ),
    ],
)
def test_each_thing_has_its_one_term(english: str, korean: str) -> None:
    with override("ko"):
        assert gettext(english) == korean


def in_korean(answer: Any) -> str:
    body: str = answer.content.decode()
    return body


@pytest.fixture
def korean_operator(operator_client: Client) -> Client:
    operator_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ko"
    return operator_client


def test_a_slug_that_is_taken_is_said_as_a_sentence(
    korean_operator: Client, draft: Callable[..., Campaign]
) -> None:
    draft("sale")
    answer = korean_operator.post("/admin/coupons/campaign/add/", {"slug": "sale"})
    assert "이미 사용 중인 슬러그입니다." in in_korean(answer)


@pytest.mark.parametrize(
    ("verb", "korean"),
    [
        ("pause", "sale 캠페인을 일시 중지했습니다."),
        ("close", "sale 캠페인 종료가 다른 사람의 승인을 기다립니다."),
    ],
)
def test_the_message_after_a_verb_says_what_it_did(
    korean_operator: Client,
    campaign_url: Callable[..., str],
    open_campaign: Callable[..., Any],
    verb: str,
    korean: str,
) -> None:
    open_campaign("sale")
    given = {"slug": "sale", "reason": "load", "why": "부하"}
    assert f">{korean}<" in in_korean(
        korean_operator.post(campaign_url("sale", "do", verb), given, follow=True)
    )


def test_actions_of_the_system_name_the_system_as_actor(
    korean_operator: Client, campaign_url: Callable[..., str], open_campaign: Callable[..., Any]
) -> None:
    open_campaign("sale")
    recorded_states.follow_the_clock()
    who, what = korean_operator.get(campaign_url("sale")).context["events"][0][1:]
    assert (who, what) == ("시스템", "오픈")


def test_the_scripts_of_the_admin_are_translated_too(korean_operator: Client) -> None:
    assert "%(cnt)s\\uac1c \\uc911 %(sel)s\\uac1c" in in_korean(
        korean_operator.get("/admin/jsi18n/")
    )
