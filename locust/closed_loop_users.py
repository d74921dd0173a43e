"""`saturate` and `think`: the two measurements of the comparison. Closed workloads: each seat waits
for its answer before the next claim, so the number of seats bounds the load.
"""

# isort: off
from locust import constant, task

# isort: on
from base_users import Caller


class Seat(Caller):
    """A Locust user whose every claim is by a new person."""

    abstract = True

    def on_start(self) -> None:
        super().on_start()
        self.wait_until(0)

    def serve(self) -> None:
        if self.sale.now >= self.sale.window.end:
            self.leave()
        user, token = self.sale.line.step_up()
        self.ask(user, token, due=self.sale.now)


class BusySeat(Seat):
    """The next person claims at once: the maximum load of the site."""

    @task
    def claim(self) -> None:
        self.serve()


class ThinkingSeat(Seat):
    """The next person waits a second: `users` is the load offered per second."""

    wait_time = constant(1)

    @task
    def claim(self) -> None:
        self.serve()
