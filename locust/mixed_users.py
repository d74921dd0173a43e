"""`mixed`: a realistic opening: some people only watch, some press twice, some look up their coupon
afterwards.

There is no redeeming, as the site has no redemption yet.
"""

# isort: off
from locust import task

# isort: on
import gevent
from base_users import Person
from opening_users import Opener
from retrying_users import Impatient

WATCHES_FOR_S = 10
LOOKS_EVERY_S = 1.0
MOST_LOOKS = 30


class Watcher(Person):
    """Never claims; polls the campaign's page."""

    weight = 2

    @task
    def watch_campaign(self) -> None:
        self.wait_until(self.due)
        while self.load_run.elapsed_s < self.due + WATCHES_FOR_S:
            self.client.get(self.load_run.campaign_path, name="look at the campaign")
            gevent.sleep(LOOKS_EVERY_S)
        self.leave_run()


class Owner(Person):
    """Claims, polls the claim's status until the coupon is stored, then opens "my coupons"."""

    weight = 2

    @task
    def claim_and_follow(self) -> None:
        self.wait_until(self.due)
        answer = self.claim_until_decided(self.user, self.token, due=self.due)
        if answer.place:
            self._follow()
            self._get("/api/v1/coupons", "look at my coupons")
        self.leave_run()

    def _follow(self) -> None:
        path = self.load_run.campaign_path + "/claims/me"
        for _ in range(MOST_LOOKS):
            if self._get(path, "follow the claim") == "issued":
                return
            gevent.sleep(LOOKS_EVERY_S)

    def _get(self, path: str, name: str) -> str:
        headers = {"Authorization": f"Bearer {self.token}"}
        with self.client.get(path, name=name, headers=headers, catch_response=True) as response:
            if response.status_code == 200:
                return str(response.json().get("status", ""))
            response.failure(f"{response.status_code}")
        return ""


class Claimer(Opener):
    weight = 5


class DoubleClicker(Impatient):
    weight = 1
