"""`python ansible/roles/monitoring/generate [--check]`: write rules, their tests, the dashboards.

--check writes nothing and fails if a file differs from what would be written.
"""

import argparse
import json
import sys
from pathlib import Path

import boards
import rules
import yaml

FILES = Path(__file__).parent.parent / "files"
HEAD = "# Made by `python ansible/roles/monitoring/generate`: change that, not this.\n"


def all_files() -> dict[Path, str]:
    text_by_path = {
        FILES / "prometheus" / "coupon.rules.yml": _yaml(rules.make_rules()),
        FILES / "prometheus" / "coupon.tests.yml": _yaml(rules.make_tests()),
    }
    for board in boards.ALL:
        text = json.dumps(board, indent=1, ensure_ascii=False) + "\n"
        text_by_path[FILES / "grafana" / "dashboards" / f"{board['uid']}.json"] = text
    return text_by_path


def _yaml(document: object) -> str:
    return HEAD + yaml.safe_dump(document, sort_keys=False, width=1000, allow_unicode=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, usage="generate [--check]")
    parser.add_argument("--check", action="store_true", help="write nothing")
    only_check = parser.parse_args().check
    text_by_path = all_files()
    stale = [
        path for path, text in text_by_path.items() if not path.exists() or path.read_text() != text
    ]
    if not only_check:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text_by_path[path])
        print(f"{len(text_by_path)} files, {len(stale)} of them changed.")
        return 0
    for path in stale:
        print(f"{path.name} is not up to date: run this without --check.", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
