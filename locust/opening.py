"""`opening`: a sale that was announced. Most people press the button in the first seconds."""

# isort: off
from locust import task

# isort: on
from people import Person


class Opener(Person):
    """Waits for the opening, asks once, and goes when there is an answer to live with."""

    @task
    def claim(self) -> None:
        self.wait_until(self.due)
        self.ask_until_settled(self.user, self.token, due=self.due)
        self.leave()
