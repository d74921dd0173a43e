"""Recent admissions that web processes publish to a Redis that has lost a campaign; see
`admission.recent`."""

from typing import Any, cast

from coupons.store import keys
from coupons.store.client import SubjectCalls


class RecentAdmissionCalls(SubjectCalls):
    """One value per web process (`process`: its random id). Not used while a claim is decided."""

    def has_published(self, slug: str, process: str) -> bool:
        with self.guard_call():
            return bool(self.client.hexists(keys.campaign_keys(slug).told, process))

    def publish_admissions(self, slug: str, process: str, admissions: bytes) -> None:
        with self.guard_call():
            self.client.hset(keys.campaign_keys(slug).told, process, admissions)

    def publishing_processes(self, slug: str) -> list[str]:
        with self.guard_call():
            names: Any = self.client.hkeys(keys.campaign_keys(slug).told)
        return [name.decode(errors="replace") for name in names]

    def published_admissions(self, slug: str, process: str) -> bytes | None:
        with self.guard_call():
            return cast("bytes | None", self.client.hget(keys.campaign_keys(slug).told, process))

    def drop_published(self, slug: str, processes: list[str]) -> None:
        if processes:
            with self.guard_call():
                self.client.hdel(keys.campaign_keys(slug).told, *processes)
