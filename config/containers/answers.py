"""`python answers.py URL [any]`: whether it answers well (any: at all). For the health checks of
containers, whose image has no curl; nothing of this project is imported."""

import sys
import urllib.error
import urllib.request

PATIENCE_S = 4


def answers(url: str, *, whatever: bool) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S):  # noqa: S310 - compose.yaml's
            return True
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return whatever
    except (OSError, ValueError) as away:
        print(f"{url}: {away}", file=sys.stderr)
        return False


if __name__ == "__main__":
    sys.exit(not answers(sys.argv[1], whatever=sys.argv[2:] == ["any"]))
