"""Wrong passwords of operators, counted for all processes together."""

from coupons import keys
from coupons.store.endpoint import Endpoint

FORGOTTEN_AFTER_S = 15 * 60


class LoginCalls(Endpoint):
    """Counts by name. They expire by themselves."""

    def wrong_password(self, name: str) -> int:
        """One more; how many there are. Each begins the time anew."""
        key = keys.login(name)
        with self.asking(), self.client.pipeline(transaction=True) as pipe:
            pipe.incr(key)
            pipe.expire(key, FORGOTTEN_AFTER_S)
            count, _ = pipe.execute()
        return int(count)

    def wrong_passwords(self, name: str) -> int:
        with self.asking():
            return int(self.client.get(keys.login(name)) or 0)

    def right_password(self, name: str) -> None:
        with self.asking():
            self.client.delete(keys.login(name))
