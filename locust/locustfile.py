"""Load runs on the coupon API: `python -m locust -f locust/locustfile.py`. See README.md.

This file connects the parts; the users are in a file per scenario.
"""

# isort: off
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner

# isort: on
import logging
import os
import secrets
import sys
import time
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import campaign
import env_files
import options
import run_record
from base_users import ApiUser, share_connections
from closed_loop_users import BusySeat, ThinkingSeat
from figures import Window
from mixed_users import Claimer, DoubleClicker, Owner, Watcher
from opening_users import Opener
from redeeming_users import Shopper
from retrying_users import Impatient
from scenarios import SCENARIOS, Crowd, is_worker
from steady_users import Turnstile
from token_pool import TokenPool
from verdict import LoadFailure
from verdict_page import VerdictPages

__all__ = [
    "BusySeat", "Claimer", "Crowd", "DoubleClicker", "Impatient", "Opener", "Owner",
    "Shopper", "ThinkingSeat", "Turnstile", "Watcher",
]  # fmt: skip

logger = logging.getLogger(__name__)
FAILED, WRONG = 2, 1  # exit codes: the run could not be made; the verdict found faults


class Shop(NamedTuple):
    slug: str
    key: str


class RunController:
    """Prepares a run and closes it, in the process that controls it (standalone or master)."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.pages = VerdictPages(environment.web_ui) if environment.web_ui else None
        self.load_run: campaign.LoadRun | None = None
        Crowd.prepare, Crowd.at_the_end = self.prepare_run, self.close_run
        on = environment.events
        on.test_start.add_listener(self.begin_run)  # type: ignore[no-untyped-call]
        on.test_stop.add_listener(self.close_run)  # type: ignore[no-untyped-call]
        on.spawning_complete.add_listener(self.all_users_started)  # type: ignore[no-untyped-call]
        on.report_to_master.add_listener(self.fill_report)  # type: ignore[no-untyped-call]
        on.worker_report.add_listener(self.collect_report)  # type: ignore[no-untyped-call]

    @property
    def arguments(self) -> Namespace:
        arguments = self.environment.parsed_options
        assert isinstance(arguments, Namespace)  # noqa: S101 - Locust has parsed its command line
        return arguments

    @property
    def host(self) -> str:
        return str(self.environment.host)

    def prepare_run(self) -> bool:
        """Find or create the campaign, and pass it to all processes. False: that failed."""
        arguments, scenario = self.arguments, SCENARIOS[self.arguments.scenario]
        gather_s = options.gather_s(arguments)
        try:
            if not arguments.peer:
                self.environment.host = campaign.demand_site(
                    self.host
                )  # used by all users from now on
            shop = self._find_shop(arguments) if scenario.redeems else None
            slug = arguments.campaign or self._create(arguments, gather_s, shop)
            page = self._read_campaign(arguments, slug)
        except campaign.NoCampaign as error:
            return self._fail(f"There is no campaign to claim from: {error}")
        opens_at = max(
            page.opens_at, time.time() + page.ahead + gather_s * bool(arguments.campaign)
        )
        # Values beyond Locust's options are sent to the workers with the first job.
        arguments.load_run = {
            "slug": slug,
            "opens_at": opens_at,
            "people": arguments.num_users,
            "merchants_url": arguments.merchants or env_files.merchants_url(),
            "shop_key": shop.key if shop else "",
        }
        self.load_run = self._make_run(page.ahead)
        Crowd.load_run, Crowd.scenario, Crowd.gather_s = self.load_run, scenario, gather_s
        return True

    def _find_shop(self, arguments: Namespace) -> Shop:
        """The shop that redeems: a merchant made for this run, or whose key is in COUPONS_KEY."""
        if key := os.environ.get("COUPONS_KEY"):
            return Shop("", key)
        if arguments.campaign:
            raise campaign.NoCampaign(
                f"redeeming coupons of {arguments.campaign} needs a key of its merchant:"
                " COUPONS_KEY."
            )
        slug = f"{campaign.PREFIX}shop-{secrets.token_hex(4)}"
        return Shop(slug, campaign.create_shop(options.manage_of(arguments), slug))

    def _create(self, arguments: Namespace, gather_s: float, shop: Shop | None) -> str:
        moment = f"{time.strftime('%H%M%S')}-{secrets.token_hex(2)}"
        slug = arguments.name or f"{campaign.PREFIX}{arguments.scenario}-{moment}"
        campaign.create_campaign(
            options.manage_of(arguments), slug, stock=arguments.stock,
            strategy=arguments.strategy, opens_in=gather_s, merchant=shop.slug if shop else "",
        )  # fmt: skip
        return slug

    def _read_campaign(self, arguments: Namespace, slug: str) -> campaign.CampaignPage:
        try:
            read = campaign.read_campaign if arguments.campaign else campaign.read_new_campaign
            return read(self.host, slug)
        except campaign.AWAY as error:
            reason = f"{self.host} does not know {slug}: {error}."
            # Created by a site with the same secrets and another database.
            if not arguments.campaign:
                campaign.close_campaign(options.manage_of(arguments), slug, reason)
                reason += " It was created for this run and is closed again."
            raise campaign.NoCampaign(reason) from None

    def _fail(self, reason: str) -> bool:
        logger.error(reason)
        self.environment.process_exit_code = FAILED
        return False

    def _make_run(self, ahead: float) -> campaign.LoadRun:
        """The run by this process's clock. `ahead`: seconds that the server's clock is ahead."""
        arguments, runner = self.arguments, self.environment.runner
        shared, warm_up = arguments.load_run, options.warm_up_s(arguments)
        return campaign.LoadRun(
            slug=shared["slug"],
            opens_at=shared["opens_at"] - ahead,
            people=shared["people"],
            seconds=warm_up + arguments.seconds,
            stages=SCENARIOS[arguments.scenario].stages,
            window=Window(warm_up, warm_up + arguments.seconds),
            tokens=TokenPool(f"{shared['slug']}-{getattr(runner, 'worker_index', 0)}"),
            merchants_url=shared["merchants_url"],
            shop_key=shared["shop_key"],
        )

    def begin_run(self, **_: Any) -> None:
        """Start in a process that has users: standalone or worker."""
        if isinstance(self.environment.runner, MasterRunner):
            return
        if is_worker(self.environment.runner) or self.load_run is None:
            self.load_run = self._make_run(
                campaign.read_campaign(self.host, self.arguments.load_run["slug"]).ahead
            )
        self.load_run.tokens.make_tokens(self.arguments.ready)
        self.load_run = self._postpone_if_late(self.load_run)
        self.load_run.ledger.start_clock()
        share_connections(self.arguments.connections, timeout_s=self.arguments.patience)
        ApiUser.load_run = self.load_run
        ApiUser.all_users_started.clear()

    def _postpone_if_late(self, run: campaign.LoadRun) -> campaign.LoadRun:
        """Postpone the opening if creating campaign and tokens took too long (a busy machine) for
        all users to be started. Not in workers, which can't agree on a common time."""
        needed_s = options.gather_s(self.arguments) / 2 + 1  # to spawn them: see Crowd
        if is_worker(self.environment.runner) or -run.elapsed_s >= needed_s:
            return run
        Crowd.load_run = replace(run, opens_at=time.time() + needed_s)
        return Crowd.load_run

    def all_users_started(self, **_: Any) -> None:
        ApiUser.all_users_started.set()

    def fill_report(self, data: dict[str, Any], **_: Any) -> None:
        if self.load_run:
            self.load_run.ledger.hand_over(data)

    def collect_report(self, data: dict[str, Any], **_: Any) -> None:
        if self.load_run:
            self.load_run.ledger.take_report(data)

    def close_run(self, **_: Any) -> None:
        """Once per run: when the last user has left, or Stop was pressed."""
        run, self.load_run = self.load_run, None
        if run is None or is_worker(self.environment.runner):
            return
        Crowd.load_run = None
        configured = SCENARIOS[self.arguments.scenario].per_s(run.people, run.window)
        exceptions = self.environment.runner.exceptions if self.environment.runner else {}
        failures = [LoadFailure(row["count"], row["msg"]) for row in exceptions.values()]
        self._show(run_record.judge_run(self.arguments, self.host, run, configured, failures))

    def _show(self, result: dict[str, Any]) -> None:
        well = result["verdict"]["well"]
        self.environment.process_exit_code = 0 if well else WRONG
        path = Path(
            self.arguments.record or options.TOP / "build" / f"load-{result['scenario']}.json"
        )
        run_record.write_record(result, path)
        for name, figure, mark in run_record.report_lines(result):
            logger.info("%s %-34s %s", mark, name, figure)
        logger.info("Record written to %s.", path)
        if self.pages:
            self.pages.record = result


def begin_environment(environment: Environment, **_: Any) -> None:
    """Set defaults: the site of `make run`, and the scenario's number of users."""
    environment.host = environment.host or env_files.web_url()
    arguments = environment.parsed_options
    if arguments is not None and arguments.num_users is None:
        arguments.num_users = SCENARIOS[arguments.scenario].users
    RunController(environment)


def load_local_settings() -> None:
    """Read the local settings, before the first token is signed."""
    try:
        env_files.load_settings(os.environ, options.TOP)
        env_files.web_url()
        env_files.merchants_url()
    except env_files.Unreadable as error:
        print(error, file=sys.stderr)
        raise SystemExit(FAILED) from None


load_local_settings()


events.init_command_line_parser.add_listener(options.add_options)  # type: ignore[no-untyped-call]
events.init.add_listener(begin_environment)  # type: ignore[no-untyped-call]
