"""Wrong passwords of operators, counted for all processes together."""

from typing import Any

from coupons import keys
from coupons.store.endpoint import Endpoint
from coupons.store.replies import parsing

FORGOTTEN_AFTER_S = 15 * 60


class LoginCalls(Endpoint):
    """Counts by name. They expire by themselves."""

    def wrong_password(self, name: str) -> int:
        """One more; how many there are. Each begins the time anew. Raises StoreFailure."""
        key = keys.login(name)
        with self.asking(), self.client.pipeline(transaction=True) as pipe:
            pipe.incr(key)
            pipe.expire(key, FORGOTTEN_AFTER_S)
            count, _ = pipe.execute()
        return int(count)

    def wrong_passwords(self, name: str) -> int:
        with self.asking():
            said: Any = self.client.get(keys.login(name))
        with parsing("a count of wrong passwords"):
            return int(said or 0)

    def right_password(self, name: str) -> None:
        with self.asking():
            self.client.delete(keys.login(name))
