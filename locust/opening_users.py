"""`opening`: an announced sale. Most people press the button in the first seconds."""

# isort: off
from locust import task

# isort: on
from base_users import Person


class Opener(Person):
    """Waits for the opening, claims once, retries until the answer is final, and leaves."""

    @task
    def claim_once(self) -> None:
        self.wait_until(self.due)
        self.claim_until_decided(self.user, self.token, due=self.due)
        self.leave_run()
