"""Issue 16: `provisioning/FIRST_COUPON.md` is followed by the rehearsal, every command of it; here
is what can be held without hosts."""

import json
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from coupons.identity import user_tokens
from provisioning.blueprint.environment import build_blueprint
from provisioning.cost import estimate_cost
from provisioning.prices import load_prices
from provisioning.spec.load import load_spec
from tests.conftest import Settings
from tests.printed.pages import ROOT
from tests.printed.road import PAGE, Part, missing_line, page_commands, read_road
from tests.rehearsal import newcomer
from tests.rehearsal.record import Wrong
from tests.rehearsal.terminal import Terminal

PARTS = read_road(PAGE.read_text())
AWS = sorted({command for command in page_commands() if command.startswith("aws ")})
# Of Amazon's command line itself, not of a service.
OF_THE_PROGRAM = {"--query", "--output"}
LINKED_FROM = ("README.md", "README.ko.md", "provisioning/README.md", "ansible/README.md")


def test_the_rehearsal_follows_every_section_in_the_order_of_the_page() -> None:
    sections = list(dict.fromkeys(part.section for part in PARTS))
    assert sections == list(newcomer.SECTIONS)
    assert len(page_commands()) > 30, "it reads nothing"


@pytest.mark.parametrize("form", newcomer.NOT_RUN)
def test_what_is_not_run_is_on_the_page(form: str) -> None:
    assert any(re.fullmatch(form, command) for command in page_commands())


def test_what_is_not_run_is_only_what_this_machine_cannot_do() -> None:
    """A new command is run, or gets a line in the table: this list changes with it."""
    left_out = [command for command in page_commands() if newcomer.is_not_run(command)]
    assert [command for command in left_out if command not in AWS] == [
        "git clone https://git.example.com/coupons.git coupons && cd coupons",
        "make .venv/tools",
        ".venv/bin/python -m provisioning prices --env $SITE",
    ]
    assert all(re.match(r"aws \w", command) for command in AWS)
    assert len(AWS) >= 7
    assert re.search(r"^\.venv/tools:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("command", [one for one in AWS if one != "aws configure"])
def test_a_command_of_amazons_has_the_names_of_its_model(command: str) -> None:
    require_aws_command(command)


@pytest.mark.parametrize(
    "command",
    [
        "aws acm ask-certificate --domain-name a", "aws acm request-certificate --domain a",
        "aws acm request-certificate --validation-method DNS", "aws acm wait certificate-there",
        "aws nosuch list", "aws route53 change-resource-record-sets --hosted-zone-id Z"
        " --change-batch '{\"Changes\": [}'",
    ],
)  # fmt: skip
def test_a_wrong_command_of_amazons_is_found(command: str) -> None:
    with pytest.raises(Exception, match=r".+"):
        require_aws_command(command)


def require_aws_command(command: str) -> None:
    """Raises an exception for a service, an operation, a waiter or an option that AWS has not."""
    _, service, verb, *words = shlex.split(command)
    client = botocore.session.get_session().create_client(service, region_name="ap-northeast-2")
    if verb == "wait":
        waiter = words.pop(0).replace("-", "_")
        assert waiter in client.waiter_names, waiter
        config: Any = client.get_waiter(waiter).config
        verb = config.operation
    operations = {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}
    model = client.meta.service_model.operation_model(operations.get(verb, verb))
    shape = model.input_shape
    assert shape is not None
    members = {f"--{xform_name(name, '-')}": name for name in shape.members}
    given = {word: words[number + 1] for number, word in enumerate(words) if word[:2] == "--"}
    assert set(given) <= {*members, *OF_THE_PROGRAM}, given
    needed = set(shape.required_members)
    assert needed <= {members.get(option) for option in given}, needed
    for value in given.values():
        if value.startswith("{"):
            json.loads(value)


def test_a_command_that_fails_on_the_page_is_seen(tmp_path: Path) -> None:
    walker = someone_at(tmp_path)
    with pytest.raises(Wrong, match="ends with 127"):
        walker.follow(Part(section="", commands=("echo well", "nosuch-program --at-all")))


def test_a_line_that_the_page_promises_and_nobody_prints_is_seen(tmp_path: Path) -> None:
    walker = someone_at(tmp_path)
    part = Part(section="", commands=("echo one; echo two",), shows=("o…e", "two"))
    assert walker.follow(part) == "one\ntwo\n"
    with pytest.raises(Wrong, match="does not print 'o…e'"):
        walker.follow(Part(section="", commands=part.commands, shows=("two", "o…e")))


def test_folder_and_variables_last_and_questions_are_answered(tmp_path: Path) -> None:
    walker = someone_at(tmp_path)
    (tmp_path / "checkout" / "below").mkdir()
    walker.follow(Part(section="", commands=("cd below", "export SHOP=https://example.shop")))
    asks = "printf 'Username: '; read name; echo \"$name at $SHOP in $(basename $PWD)\""
    told = walker.follow(Part(section="", commands=(asks,)))
    assert "mina at https://reader.example in below" in told


def someone_at(folder: Path) -> newcomer.Newcomer:
    (folder / "checkout").mkdir()
    terminal = Terminal(folder / "checkout", shown=folder / "shown", env=newcomer.PLAIN)
    values = {"SHOP": "https://reader.example"}
    return newcomer.Newcomer(terminal=terminal, release="", site="hello", values=values)


def test_a_block_that_nobody_can_follow_is_refused() -> None:
    for block in ("```console\n$ make\n```\n", "```text\nprinted by nothing\n```\n",
                  "```python\nprint()\n```\n"):  # fmt: skip
        with pytest.raises(ValueError, match="nobody can follow"):
            read_road(f"## 1. A section\n\n{block}")


def test_printed_lines_are_compared_in_their_order_and_without_their_spaces() -> None:
    assert missing_line(["a  … c", "d"], "x\n a b   c\nd\n") == ""
    assert missing_line(["d", "a…c"], "a b c\nd\n") == "a…c"


def test_tokens_by_the_shops_own_key_pair_are_accepted(tmp_path: Path, settings: Settings) -> None:
    """The page's `make_keys.py`, and how it says that the shop signs."""
    (file,) = (part for part in PARTS if part.file == "make_keys.py")
    (signing,) = re.findall(r"`(jwt\.encode\(claims, pem,[^`]+)`", PAGE.read_text())
    claims: dict[str, Any] = {"iss": "https://shop.example", "aud": "coupons", "sub": "mina"}
    claims["exp"] = int(time.time()) + 3600
    shop = f"{file.text}\nimport jwt\nclaims = {claims!r}\nprint({signing})\n"
    done = subprocess.run(
        [sys.executable, "-c", shop], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    settings.JWT_JWKS_FILE = str(tmp_path / "shop-jwks.json")
    settings.JWT_ISSUER, settings.JWT_AUDIENCE = claims["iss"], claims["aud"]
    assert user_tokens.verify_token(done.stdout.splitlines()[-1]).user == "mina"
    assert (tmp_path / "shop.pem").stat().st_mode & 0o077 == 0
    public = json.loads((tmp_path / "shop-jwks.json").read_text())
    assert "d" not in public["keys"][0]


@pytest.mark.parametrize("environment", ["production", "hello"])
def test_what_the_page_says_of_the_cost_is_what_the_plan_reckons(environment: str) -> None:
    spec = load_spec(
        environment=environment, operator=("198.51.100.7/32",),
        certificate="arn:aws:acm:ap-northeast-2:123456789012:certificate/a",
    )  # fmt: skip
    monthly = estimate_cost(build_blueprint(spec)).monthly
    said = f"US$ {monthly:,.0f} a month, {monthly / load_prices().hours:.2f} an hour"
    assert said in PAGE.read_text()


def test_the_page_is_found_from_the_others() -> None:
    for name in LINKED_FROM:
        assert "FIRST_COUPON.md" in (ROOT / name).read_text(), name
