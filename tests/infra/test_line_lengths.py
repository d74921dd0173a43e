"""What ansible-lint would find of long lines, in a moment; it takes half a minute itself."""

from tests.infra.rendered_roles import ANSIBLE

LONGEST = 160  # characters


def test_no_line_of_ours_is_longer_than_ansible_lint_allows() -> None:
    files = [file for file in ANSIBLE.rglob("*.yml") if "monitoring/files" not in str(file)]
    assert len(files) > 100, "it reads nothing"
    long = [
        f"{file.relative_to(ANSIBLE)}:{number}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if len(line) > LONGEST
    ]
    assert long == []
