"""`saturate` and `think`: the two measurements of the comparison. Closed workloads: each seat waits
for its answer before the next claim, so the number of seats bounds the load.
"""

# isort: off
from locust import constant, task

# isort: on
from base_users import ApiUser


class Seat(ApiUser):
    """A Locust user that claims for a new person each time."""

    abstract = True

    def on_start(self) -> None:
        super().on_start()
        self.wait_until(0)

    def claim_for_next_user(self) -> None:
        if self.load_run.elapsed_s >= self.load_run.window.end:
            self.leave_run()
        user, token = self.load_run.tokens.next_user()
        self.send_claim(user, token, due=self.load_run.elapsed_s)


class BusySeat(Seat):
    """The next person claims at once: the maximum load of the site."""

    @task
    def claim_at_once(self) -> None:
        self.claim_for_next_user()


class ThinkingSeat(Seat):
    """The next person waits a second: `users` is the load offered per second."""

    wait_time = constant(1)

    @task
    def claim_after_pause(self) -> None:
        self.claim_for_next_user()
