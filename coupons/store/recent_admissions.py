"""Recent admissions that web processes publish to a Redis that has lost a campaign; see
`admission.recent`."""

from typing import Any, cast

from coupons.store import keys
from coupons.store.client import StoreClient


class TestimonyCalls(StoreClient):
    """One value per web process (`witness`: its random id). Not used while a claim is decided."""

    __test__ = False  # keeps pytest from collecting a class named Test*

    def has_published(self, slug: str, witness: str) -> bool:
        with self.asking():
            return bool(self.client.hexists(keys.campaign_keys(slug).told, witness))

    def publish_admissions(self, slug: str, witness: str, said: bytes) -> None:
        with self.asking():
            self.client.hset(keys.campaign_keys(slug).told, witness, said)

    def publishing_processes(self, slug: str) -> list[str]:
        with self.asking():
            found: Any = self.client.hkeys(keys.campaign_keys(slug).told)
        return [name.decode(errors="replace") for name in found]

    def published_admissions(self, slug: str, witness: str) -> bytes | None:
        with self.asking():
            return cast("bytes | None", self.client.hget(keys.campaign_keys(slug).told, witness))

    def drop_published(self, slug: str, witnesses: list[str]) -> None:
        if witnesses:
            with self.asking():
                self.client.hdel(keys.campaign_keys(slug).told, *witnesses)
