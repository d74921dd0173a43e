"""A newcomer who follows `provisioning/FIRST_COUPON.md`, command by command, on a terminal."""

from __future__ import annotations

import re
import shlex
import subprocess
import urllib.request
from dataclasses import dataclass, field, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlencode, urljoin

from provisioning.quantities import counted_noun
from tests.printed.road import PAGE, Part, missing_line, read_road
from tests.rehearsal import releases
from tests.rehearsal.cloud import LOGS, ROOT
from tests.rehearsal.people import ISSUER
from tests.rehearsal.record import Record, Wrong
from tests.rehearsal.terminal import Terminal
from tests.rehearsal.topology import OPERATOR

# Commands of the page that can't run here, and why. Every other one is run.
NOT_RUN = {
    r"git clone .*": "its repository is the reader's; the folder is a clone of this checkout",
    r"make \.venv/tools": "installs from PyPI; .venv is this checkout's",
    r"aws .*": "asks AWS itself (account, ACM, DNS); test_first_coupon.py reads it by AWS' models",
    r".* -m provisioning prices .*": "this cloud has no price list; test_prices.py runs it on one",
}
# Sections of the page in the order of the rehearsal: in an empty account; with hosts that run; on
# the service; when all else is done.
PROVISION = ("The account", "The programs", "Your values", "Credentials", "The certificate",
             "Look first", "Create it")  # fmt: skip
INVENTORY = ("The name and the inventory",)
INSTALL = ("Install it",)
COUPON = ("The first operator", "The first campaign", "How the shop signs tokens",
          "The first coupon", "Look at the board", "Before an opening")  # fmt: skip
END = ("Destroy it",)
SECTIONS = (*PROVISION, *INVENTORY, *INSTALL, *COUPON, *END)
# The exit statuses that the page says, where they are not 0; a rehearsal's board may be red.
STATUS = {r".* -m provisioning plan .*": {2}, r".* coupon-manage readiness .*": {0, 1}}
HELLO = {"API": "coupon-api"}  # what the page says of it
OPERATOR_NAME, PASSWORD = "mina", "rain-over-nine-harbours"
ANSWERS = {
    r"^Username": OPERATOR_NAME, r"^Email address": "mina@shop.example", r"^Password:": PASSWORD,
    r"^Password \(again\)": PASSWORD,
}  # fmt: skip
# The laptop of the rehearsal: nothing of its own home is read or written.
PLAIN = {"ANSIBLE_NOCOLOR": "1", "NO_COLOR": "1", "TERM": "dumb"}
_EXPORT = re.compile(r"export (\w+)=.*")


@dataclass
class Newcomer:
    """`values` are the reader's own, by the names that the page exports."""

    terminal: Terminal
    release: str  # what is checked out
    site: str
    values: dict[str, str]
    parts: list[Part] = field(default_factory=lambda: read_road(PAGE.read_text()))

    @property
    def checkout(self) -> Path:
        return self.terminal.folder

    @property
    def inventory(self) -> Path:
        return self.checkout / "build" / "inventory" / self.site

    def play(self, record: Record, sections: tuple[str, ...]) -> str:
        """Follow these sections, a step of the record each. Returns the output. Raises Wrong."""
        said = []
        for section in sections:
            with record.step(f"the page: {section}") as step:
                here = [part for part in self.parts if part.section == section]
                if not here:
                    raise Wrong(f"{PAGE.name} has no section {section!r}")
                commands = [command for part in here for command in part.commands]
                left_out = sum(is_not_run(command) for command in commands)
                said += [self.follow(part) for part in here]
                step.found = counted_noun(len(commands), "command")
                step.found += f", {left_out} of them not here" if left_out else ""
        return "".join(said)

    def follow(self, part: Part) -> str:
        """Do what one block says. Returns the output. Raises Wrong if it ends or prints
        otherwise."""
        if part.file:
            (self.checkout / part.file).write_text(part.text)
            return ""
        run = [command for command in part.commands if not is_not_run(command)]
        output = "".join(self._run(command) for command in run)
        if run and (line := missing_line(part.shows, output)):
            raise Wrong(f"{run[-1]} does not print {line!r}:\n{output[-2000:]}")
        return output

    def detect_mistakes(self, section: str) -> str:
        """Follow the section's first block with its first command misspelt, and its last one with a
        line that it doesn't print. Returns what was seen. Raises Wrong if a mistake was not."""
        part = next(one for one in self.parts if one.section == section and one.commands)
        wrong_word = replace(
            part, commands=(part.commands[0].replace("coupon-manage", "coupon-mange"),)
        )
        wrong_line = replace(part, commands=part.commands[-1:], shows=("Nobody prints this.",))
        return "; ".join(self._mistake_in(one) for one in (wrong_word, wrong_line))

    def _mistake_in(self, part: Part) -> str:
        try:
            self.follow(part)
        except Wrong as seen:
            return str(seen).partition("\n")[0]
        raise Wrong(f"a mistake on the page went unnoticed: {part}")

    def _run(self, command: str) -> str:
        wanted = next((may for form, may in STATUS.items() if re.fullmatch(form, command)), {0})
        answers = {**ANSWERS, rf"Type '{self.site}'": self.site}
        ended = self.terminal.run(self._own_values(command), answers)
        if ended.status not in wanted:
            raise Wrong(f"{command} ends with {ended.status}:\n{ended.output[-2000:]}")
        return ended.output

    def _own_values(self, command: str) -> str:
        """An export of the page, with the reader's value in place of the example's."""
        named = _EXPORT.fullmatch(command)
        if not named or named[1] not in self.values:
            return command
        return f"export {named[1]}={shlex.quote(self.values[named[1]])}"


def is_not_run(command: str) -> bool:
    return any(re.fullmatch(form, command) for form in NOT_RUN)


def arrive(site: str, folder: Path, *, certificate: str) -> Newcomer:
    """A newcomer with a clone of this checkout, as it is now."""
    checkout, release = folder / "checkout", releases.work_tree()
    for words in (
        ("clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(checkout)),
        ("-C", str(checkout), "checkout", "--quiet", "--detach", release),
    ):
        subprocess.run(["git", *words], check=True)
    (checkout / ".venv").symlink_to(ROOT / ".venv")
    logs = LOGS / site
    logs.mkdir(parents=True, exist_ok=True)
    env = {
        **PLAIN, "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "cp"),
    }  # fmt: skip
    values = {
        "SITE": site, "COUPON_OPERATOR": f"{OPERATOR}/32", "COUPON_CERTIFICATE": certificate,
        "SHOP": ISSUER, **(HELLO if site == "hello" else {}),
    }  # fmt: skip
    terminal = Terminal(checkout, shown=logs / "page.log", env=env)
    return Newcomer(terminal=terminal, release=release, site=site, values=values)


def look_at_admin(site: str, campaign: str) -> str:
    """Log in as the operator whom the page has made, as a browser does, and open the campaign's
    page. Returns its title. Raises Wrong if the campaign is not listed."""
    jar = CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https")))  # as to localhost
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', _page(browser, f"{site}login/"))
    form = {"username": OPERATOR_NAME, "password": PASSWORD,
            "csrfmiddlewaretoken": found[1] if found else ""}  # fmt: skip
    _page(browser, f"{site}login/", urlencode(form).encode())
    listed = _page(browser, f"{site}coupons/campaign/")
    link = re.search(
        rf'href="(/admin/coupons/campaign/[^"]+/change/[^"]*)">[^<]*{campaign}', listed
    )
    if not link:
        raise Wrong(f"the admin lists no {campaign}: {listed[:500]}")
    title = re.search(r"<title>(.*?)</title>", _page(browser, urljoin(site, link[1])), re.DOTALL)
    return " ".join(title[1].split()) if title else ""


def _page(browser: urllib.request.OpenerDirector, url: str, form: bytes | None = None) -> str:
    with browser.open(url, form, timeout=30) as answer:
        return str(answer.read().decode())
