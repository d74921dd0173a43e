"""`python -m tests.rehearsal.trickle PLAN.json`: new people, so many a second, each asking once.

An open workload that goes on until the file `until` is there, for what must not disturb anybody:
a release, a rollback. Nobody asks again; whatever is heard is written down, failures too.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from yarl import URL

from config.development.demo import crowd
from config.development.demo.verdict import Answer
from tests.rehearsal.people import people

CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """`key` is the shop's, who signs for each of `count` people when they come: most never do."""

    campaign_url: str
    per_second: float
    until: str
    key: str
    prefix: str
    count: int


async def play(plan: Plan) -> list[Answer]:
    url, until = URL(f"{plan.campaign_url}/claims"), Path(plan.until)
    asking: list[asyncio.Task[Answer]] = []
    async with crowd.session_of(CONNECTIONS) as session:
        for user, token in people(plan.key, plan.prefix, plan.count):
            if until.exists():
                break
            asking.append(asyncio.create_task(crowd.ask_once(session, url, user, 1, token)))
            await asyncio.sleep(1 / plan.per_second)
        return list(await asyncio.gather(*asking))


def main(path: Path) -> None:
    answers = asyncio.run(play(Plan(**orjson.loads(path.read_bytes()))))
    crowd.answers_of(path).write_bytes(orjson.dumps([asdict(answer) for answer in answers]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
