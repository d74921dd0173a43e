"""`retries`: impatient people, who press several times, whatever the answer was."""

# isort: off
from locust import task

# isort: on
from random import randint, uniform

import gevent
from base_users import Person


class Impatient(Person):
    """Presses two to five times, half of them again before the first answer."""

    @task
    def claim_repeatedly(self) -> None:
        self.wait_until(self.due)
        presses = [
            gevent.spawn_later(pause, self._press, self.due + pause) for pause in self._pauses()
        ]
        try:
            gevent.joinall(presses)
        finally:
            gevent.killall(presses)
        self.leave_run()

    def _press(self, due: float) -> None:
        self.claim_until_decided(self.user, self.token, due=due)

    def _pauses(self) -> list[float]:
        """Seconds after the first press; a double click is a few ms."""
        longest = uniform(0.005, 2)
        again = randint(1, 4)
        return [0.0, *(uniform(0.001, longest) for _ in range(again))]
