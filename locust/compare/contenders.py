"""The compared designs: A and B are the product, C, D and E its peers; BR and DR are B and D with
RS256 tokens. The same servers, number of processes and settings; authentication, metrics and error
handling are on everywhere.
"""

import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from programs import Program, free_port

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
TUTORIAL = HERE / "tutorial"
PROCESSES = 2  # of each web server, and of each worker
# As `make run` starts the product.
GRANIAN = ("--interface", "wsgi", "--http", "1", "--no-ws", "--workers", str(PROCESSES),
           "--blocking-threads", "16", "--backlog", "4096")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contender:
    """`most_per_s`: above the rate that Locust can reach; stock and tokens are made for it."""

    key: str
    name: str
    strategy: str
    most_per_s: int
    url: str
    manage: Path
    env: dict[str, str]
    is_peer: bool = False


# No load shedding: the comparison is of response times, not of refusals.
EVERYBODY_IS_SERVED = {
    "SHED_AFTER_S": "0",
    "DATABASE_MOST_AT_ONCE": "16",  # direct may use every thread
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """All programs to run, and the designs that they serve."""

    programs: list[Program]
    contenders: dict[str, Contender]


def secrets_for_all(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        "COUPONS_ENV": "local",
        "CELERY_BROKER_URL": environment["REDIS_URL"],
        "COUPON_KEYS": f"compare:{secrets.token_hex(32)}",
        "JWT_HS256_SECRET": secrets.token_hex(32),
        "JWT_ISSUER": "https://shop.example",
        "JWT_AUDIENCE": "coupons",
        "LOG_LEVEL": "WARNING",
        **EVERYBODY_IS_SERVED,
    }


def plan_comparison(
    folder: Path, env: dict[str, str], tutorial_database: str, peers_python: str
) -> Comparison:
    """All but the pair with RS256 tokens."""
    ours = env | _metrics(folder, "product") | _django("config.settings", TOP)
    theirs = env | _metrics(folder, "tutorial") | _django("shop.settings", TUTORIAL)
    theirs |= {"DATABASE_URL": tutorial_database}
    urls = {name: local_url() for name in ("product", "tutorial", "fastapi", "asgi")}
    programs = [
        _granian("product-web", "config.wsgi", urls["product"], ours, TOP),
        *_celery("product", "config", ours, TOP, folder),
        _granian("tutorial-web", "shop.wsgi", urls["tutorial"], theirs, TUTORIAL),
        _celery("tutorial", "shop", theirs, TUTORIAL, folder)[0],
        _uvicorn("fastapi", urls["fastapi"], env | _metrics(folder, "fastapi"), peers_python),
        bare_asgi(urls["asgi"], env | _metrics(folder, "asgi"), peers_python),
    ]
    manage = TOP / "manage.py"
    contenders = (
        Contender("A", "direct", "direct", 2_000, urls["product"], manage, ours),
        Contender("B", "queued", "queued", 6_000, urls["product"], manage, ours),
        Contender(
            "C",
            "tutorial",
            "queued",
            5_000,
            urls["tutorial"],
            TUTORIAL / "manage.py",
            theirs,
            is_peer=True,
        ),
        Contender("D", "FastAPI", "queued", 6_000, urls["fastapi"], manage, ours, is_peer=True),
        Contender("E", "bare ASGI", "queued", 9_000, urls["asgi"], manage, ours, is_peer=True),
    )
    return Comparison(programs, {contender.key: contender for contender in contenders})


def plan_signed_pair(
    folder: Path, env: dict[str, str], keys: dict[str, str], peers_python: str
) -> Comparison:
    """B and D once more, with tokens as an identity provider signs them with RS256. The worker of
    the first B stores their claims, too."""
    signed = env | keys
    ours = signed | _metrics(folder, "product-rs256") | _django("config.settings", TOP)
    fast = signed | _metrics(folder, "fastapi-rs256")
    product, fastapi, manage = local_url(), local_url(), TOP / "manage.py"
    return Comparison(
        [
            _granian("product-rs256", "config.wsgi", product, ours, TOP),
            _uvicorn("fastapi-rs256", fastapi, fast, peers_python),
        ],
        {
            "BR": Contender("BR", "queued, RS256", "queued", 3_000, product, manage, ours),
            "DR": Contender(
                "DR", "FastAPI, RS256", "queued", 3_000, fastapi, manage, ours, is_peer=True
            ),
        },
    )


def local_url() -> str:
    return f"http://127.0.0.1:{free_port()}"


def _django(settings: str, project: Path) -> dict[str, str]:
    """Set explicitly, overriding the shell: each project has its own settings module."""
    return {"DJANGO_SETTINGS_MODULE": settings, "PYTHONPATH": str(project)}


def _metrics(folder: Path, name: str) -> dict[str, str]:
    (folder / "prometheus" / name).mkdir(parents=True)
    return {"PROMETHEUS_MULTIPROC_DIR": str(folder / "prometheus" / name)}


def _granian(name: str, wsgi: str, url: str, env: dict[str, str], cwd: Path) -> Program:
    port = url.rpartition(":")[2]
    command = [sys.executable, "-m", "granian", *GRANIAN, "--host", "127.0.0.1", "--port", port]
    ready = f"{url}/api/v1/campaigns/none"
    return Program(name, [*command, f"{wsgi}:application"], env, cwd, ready)


def _celery(name: str, app: str, env: dict[str, str], cwd: Path, folder: Path) -> list[Program]:
    celery = [sys.executable, "-m", "celery", "-A", app]
    quiet = ["--loglevel", "WARNING"]
    pool = ["--concurrency", str(PROCESSES), "--without-gossip", "--without-mingle"]
    beat = ["--schedule", str(folder / f"{name}-beat"), "--pidfile="]
    return [
        Program(f"{name}-worker", [*celery, "worker", *quiet, *pool], env, cwd),
        Program(f"{name}-beat", [*celery, "beat", *quiet, *beat], env, cwd),
    ]


def bare_asgi(url: str, env: dict[str, str], python: str, *, loop: str = "uvloop") -> Program:
    command = [
        python, "-m", "granian", "--interface", "asgi", "--loop", loop, "--http", "1", "--no-ws",
        "--workers", str(PROCESSES), "--backlog", "4096",
        "--host", "127.0.0.1", "--port", url.rpartition(":")[2], "asgi_peer:app",
    ]  # fmt: skip
    path = {"PYTHONPATH": str(HERE)}
    return Program("asgi-web", command, env | path, HERE, f"{url}/api/v1/campaigns/none")


def _uvicorn(name: str, url: str, env: dict[str, str], python: str) -> Program:
    command = [
        python, "-m", "uvicorn", "fastapi_peer:app", "--app-dir", str(HERE),
        "--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--workers", str(PROCESSES),
        "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning",
        "--backlog", "4096",
    ]  # fmt: skip
    return Program(f"{name}-web", command, env, HERE, f"{url}/api/v1/campaigns/none")
