"""`steady`: a constant rate of arrivals, one per second and Locust user."""

# isort: off
from locust import task

# isort: on
from random import random

from base_users import ApiUser

EVERY_S = 1.0


class Turnstile(ApiUser):
    """Claims for one new person every second, by the clock: a slow answer shifts no due time."""

    def on_start(self) -> None:
        self.due = random() * EVERY_S
        super().on_start()

    @task
    def let_one_through(self) -> None:
        if self.due >= self.load_run.window.end:
            self.leave_run()
        self.wait_until(self.due)
        user, token = self.load_run.tokens.next_user()
        self.send_claim(user, token, due=self.due)
        self.due += EVERY_S
