"""The commands that the Markdown pages print: those of `sh` blocks and of indented blocks, and
inline code that begins with one of PROGRAMS."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HISTORY = {"CHANGELOG.md", "DECISIONS.md"}  # they describe the past and print no commands to run
PROGRAMS = (
    "make", "manage.py", "python", "curl", "granian", "celery", "pip", "apt", "ansible-playbook",
    "wheelhouse.sh", "systemctl", "journalctl", "chronyc", "redis-cli", "sh", "ssh",
)  # fmt: skip
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"(?:^ {4}\S.*\n)+", re.MULTILINE)
_INLINE = re.compile(r"`([^`]+)`")
_COMMENT = re.compile(r"\s+#\s.*$")
_STARTS = re.compile(rf"(?:\S*/bin/)?(?:{'|'.join(map(re.escape, PROGRAMS))})\s+\S")


@dataclass(frozen=True, order=True)
class Printed:
    page: str
    command: str


def markdown_pages() -> list[Path]:
    found = (
        path for path in ROOT.rglob("*.md")
        if not any(part.startswith(".") or part in ("var", "build") for part in path.parts)
    )  # fmt: skip
    return sorted(path for path in found if path.name not in HISTORY)


def printed_commands() -> list[Printed]:
    return sorted(
        {
            Printed(str(page.relative_to(ROOT)), one)
            for page in markdown_pages()
            for one in commands_of(page)
        }
    )


def commands_of(page: Path) -> Iterator[str]:
    text = page.read_text()
    for language, block in _BLOCK.findall(text):
        if language in ("sh", "bash", "console"):
            yield from shell_lines(block)
    rest = _BLOCK.sub("", text)
    for block in _INDENTED.findall(rest):
        if _STARTS.match(block.strip()) or block.strip().startswith("cd "):
            yield from shell_lines(block)
    for span in _INLINE.findall(rest):
        command = " ".join(span.split())
        if _STARTS.match(command):
            yield command


def shell_lines(block: str) -> list[str]:
    """The lines of a block as a shell reads them: continued lines joined, comments left out."""
    joined = re.sub(r"\\\n\s*", "", block)
    found = (_COMMENT.sub("", line).strip().removeprefix("$ ") for line in joined.splitlines())
    return [line for line in found if line and not line.startswith("#")]
