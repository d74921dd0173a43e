"""`steady`: a constant rate of arrivals, one per second and Locust user."""

# isort: off
from locust import task

# isort: on
from random import random

from base_users import Caller

EVERY_S = 1.0


class Turnstile(Caller):
    """Claims for one new person every second, by the clock: a slow answer shifts no due time."""

    def on_start(self) -> None:
        self.due = random() * EVERY_S
        super().on_start()

    @task
    def let_one_through(self) -> None:
        if self.due >= self.sale.window.end:
            self.leave()
        self.wait_until(self.due)
        user, token = self.sale.line.step_up()
        self.ask(user, token, due=self.due)
        self.due += EVERY_S
