"""Whatever is fetched from others is pinned: by a hash, by the fingerprint of the key that signed
it, or by the distribution's own keys. Every place that fetches is found and judged."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.infra.rendered_roles import ANSIBLE, ROOT

FETCH = ANSIBLE / "roles" / "coupon" / "files" / "fetch_signed.sh"
ROOTS = ANSIBLE / "roles" / "database" / "files" / "rds-roots.pem"
SCRIPTS = ("Containerfile", ".ci/run", "Makefile", "compose.yaml")
FOLDERS = ("ansible", "requirements", "tests/rehearsal", "tests/containers", "provisioning")
# Modules of Ansible that fetch. What `apt` installs by name the distribution has signed; `deb` is a
# file or a URL.
FETCHING = {
    "get_url", "uri", "apt_key", "apt_repository", "deb822_repository", "git", "unarchive", "pip",
    "rpm_key", "yum", "dnf", "npm", "gem", "docker_image", "podman_image",
}  # fmt: skip
COMMAND = re.compile(
    r"\b(curl|wget|git clone|pip3? (?:install|download)|npm (?:install|ci)|gem install|go install"
    r"|podman pull|docker pull|add-apt-repository|apt-key|urlretrieve"
    r"|ansible-galaxy (?:collection|role))\b"
)
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
# What matches and fetches nothing from others, each with its reason.
OURS = {
    "ansible/roles/app/templates/answers.j2": "asks the service on the same host",
    "tests/rehearsal/onhosts.py": "asks the rehearsed hosts",
    "tests/rehearsal/onhosts_verbs.py": "asks the rehearsed hosts",
    "tests/rehearsal/onhosts_rotation.py": "asks the rehearsed hosts",
    "tests/rehearsal/metadata.py": "asks a server on the same host",
    "tests/rehearsal/base.py": "names the package curl",
    "tests/rehearsal/newcomer.py": "names a command of the page that is not run",
    "ansible/roles/common/defaults/main.yml": "names the package curl",
    "ansible/roles/coupon/files/fetch_signed.sh": "the rule itself: test_a_package_… below",
}


def tasks_of(node: Any) -> Iterator[dict[str, Any]]:
    """Every task of a file, also those in blocks and plays."""
    for one in node if isinstance(node, list) else []:
        if isinstance(one, dict):
            yield one
            for part in (
                "block",
                "rescue",
                "always",
                "tasks",
                "pre_tasks",
                "post_tasks",
                "handlers",
            ):
                yield from tasks_of(one.get(part))


def unpinned_task(task: dict[str, Any]) -> str:
    """Why a task fetches what nobody has pinned; empty: it doesn't."""
    for name, given in task.items():
        module, options = name.rpartition(".")[2], given if isinstance(given, dict) else {}
        text = str(given)
        if module == "apt" and "deb" in options and not str(options["deb"]).endswith("_fetched }}"):
            return f"apt installs {options['deb']}, which nobody has checked"
        if module not in FETCHING:
            continue
        if module == "get_url" and str(options.get("checksum", "")).startswith("sha256:"):
            continue
        if module == "deb822_repository" and "keyring }}" in str(options.get("signed_by")):
            continue
        if module == "unarchive" and not options.get("remote_src") and "://" not in text:
            continue
        if module == "uri" and "dest" not in options:
            continue  # asks, keeps nothing
        if module == "pip" and "--require-hashes" in text:
            continue
        return f"{module} without a checksum or a pinned key"
    return ""


def unpinned_line(line: str) -> str:
    """The same of a line of a script."""
    code = line.partition(" # ")[0].strip()
    if code.startswith("#") or not (found := COMMAND.search(code)):
        return ""
    return "" if "--require-hashes" in code else f"{found[1]} without hashes"


def unpinned_images(containerfile: str) -> list[str]:
    """Images of others that a Containerfile starts from without a digest."""
    values = dict(re.findall(r"^ARG (\w+)=(\S+)$", containerfile, re.M))
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", containerfile, re.M))
    found = []
    for source in re.findall(r"^(?:FROM|COPY --from=)\s*(\S+)", containerfile, re.M):
        name = re.sub(r"\$\{(\w+)\}", lambda match: values.get(match[1], ""), source)
        if name not in stages and not DIGEST.search(name):
            found.append(name)
    return found


def faults_of(file: Path) -> Iterator[str]:
    text, name = file.read_text(encoding="utf-8"), str(file.relative_to(ROOT))
    if name in OURS:
        return
    if file.suffix in (".yml", ".yaml") and file.is_relative_to(ANSIBLE):
        for task in tasks_of(yaml.safe_load(text)):
            if fault := unpinned_task(task):
                yield f"{name}: {fault}"
    joined = text.replace("\\\n", " ")
    yield from (
        f"{name}: {fault}" for line in joined.splitlines() if (fault := unpinned_line(line))
    )


def sources() -> Iterator[Path]:
    yield from (ROOT / name for name in SCRIPTS)
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in (".yml", ".yaml", ".sh", ".j2", ".py"):
                yield file


def test_whatever_is_fetched_is_pinned() -> None:
    assert [fault for file in sources() for fault in faults_of(file)] == []
    assert unpinned_images((ROOT / "Containerfile").read_text()) == []


def test_exceptions_are_still_needed() -> None:
    for name in OURS:
        assert COMMAND.search((ROOT / name).read_text()), name


@pytest.mark.parametrize(
    "task",
    [
        {"ansible.builtin.get_url": {"url": "https://x.example/a", "dest": "/a"}},
        {"ansible.builtin.apt": {"deb": "https://x.example/a.deb"}},
        {"ansible.builtin.apt": {"deb": "{{ cloudwatch_package }}"}},
        {"ansible.builtin.deb822_repository": {"name": "a", "signed_by": "https://x.example/key"}},
        {"ansible.builtin.apt_key": {"url": "https://x.example/key"}},
        {"ansible.builtin.unarchive": {"src": "https://x.example/a.tgz", "remote_src": True}},
        {"ansible.builtin.pip": {"name": "celery"}},
        {"ansible.builtin.git": {"repo": "https://x.example/a.git"}},
    ],
)
def test_a_task_that_fetches_without_a_pin_is_found(task: dict[str, Any]) -> None:
    assert unpinned_task({"name": "Fetch it"} | task)


def test_a_line_or_an_image_without_a_pin_is_found() -> None:
    assert unpinned_line("  curl -sO https://x.example/install.sh")
    assert unpinned_line("RUN pip install celery")
    assert unpinned_images(
        "ARG BASE=debian:bookworm-slim\nFROM ${BASE} AS base\nFROM base AS site\n"
    )


def test_amazons_authorities_are_shipped_and_each_is_its_own() -> None:
    found = re.findall(r"^# (Amazon RDS \S+ Root CA \S+ G1)$", ROOTS.read_text(), re.M)
    made = [one.subject for one in x509.load_pem_x509_certificates(ROOTS.read_bytes())]
    by = [one.issuer for one in x509.load_pem_x509_certificates(ROOTS.read_bytes())]
    names = [one.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value for one in made]
    assert names == found
    assert made == by, "each vouches for itself"
    assert len(set(found)) == len(found) > 50


class Vendor:
    """Somebody with a key of GnuPG, who publishes a package, its signature and the key."""

    def __init__(self, folder: Path) -> None:
        self._home, self.package = folder / "home", folder / "agent.deb"
        self.key = folder / "vendor.gpg"
        self._home.mkdir(parents=True, mode=0o700)
        self._gpg("--passphrase", "", "--quick-generate-key", "vendor@x.example", "rsa2048", "sign")
        shown = self._gpg("--with-colons", "--list-keys")
        self.fingerprint = re.findall(r"^fpr:+([0-9A-F]{40}):", shown, re.M)[0]
        self.key.write_text(self._gpg("--armor", "--export"))
        self.publish("what Amazon made")

    def publish(self, content: str) -> None:
        self.package.write_text(content)
        signature = Path(f"{self.package}.sig")
        signature.unlink(missing_ok=True)
        self._gpg("--output", str(signature), "--detach-sign", str(self.package))

    def end_agent(self) -> None:
        """The agent that GnuPG has started for this folder goes on by itself."""
        subprocess.run(["gpgconf", "--homedir", str(self._home), "--kill", "gpg-agent"], check=True)

    def _gpg(self, *words: str) -> str:
        command = ["gpg", "--batch", "--quiet", "--homedir", str(self._home), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def vendors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Vendor, Vendor]]:
    """The vendor, and a stranger with a key of the same name."""
    folder = tmp_path_factory.mktemp("vendors")
    both = Vendor(folder / "v"), Vendor(folder / "s")
    yield both
    for one in both:
        one.end_agent()


def fetch_signed(*words: str | Path) -> int:
    return subprocess.run(
        [str(FETCH), *map(str, words)], capture_output=True, check=False
    ).returncode


def test_a_package_of_the_pinned_key_is_kept_and_of_no_other(
    vendors: tuple[Vendor, Vendor], tmp_path: Path
) -> None:
    vendor, stranger = vendors
    kept = tmp_path / "kept.deb"

    def ask(of: Vendor, key: Vendor, pin: str) -> int:
        return fetch_signed("package", f"file://{of.package}", f"file://{key.key}", pin, kept)

    assert ask(stranger, vendor, vendor.fingerprint), "signed by a stranger"
    assert ask(stranger, stranger, vendor.fingerprint), "with the stranger's own key beside it"
    assert ask(vendor, vendor, stranger.fingerprint), "another pin"
    assert not kept.exists()
    assert ask(vendor, vendor, vendor.fingerprint) == 0
    assert kept.read_text() == "what Amazon made"
    kept.unlink()
    vendor.package.write_text("what Amazon made, and more")
    assert ask(vendor, vendor, vendor.fingerprint), "changed on its way"
    assert not kept.exists()
    vendor.publish("what Amazon made")


def test_a_key_that_is_not_the_pinned_one_is_not_trusted(
    vendors: tuple[Vendor, Vendor], tmp_path: Path
) -> None:
    vendor, stranger = vendors
    kept, both = tmp_path / "key.asc", tmp_path / "both.asc"
    both.write_text(vendor.key.read_text() + stranger.key.read_text())
    assert fetch_signed("key", f"file://{stranger.key}", vendor.fingerprint, kept)
    assert fetch_signed("key", f"file://{both}", vendor.fingerprint, kept), "a second beside it"
    assert not kept.exists()
    assert fetch_signed("key", f"file://{vendor.key}", vendor.fingerprint, kept) == 0
    assert (
        hashlib.sha256(kept.read_bytes()).digest()
        == hashlib.sha256(vendor.key.read_bytes()).digest()
    )
