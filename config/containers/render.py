"""Write HAProxy's, Redis' and MariaDB's configuration for containers, by the roles' templates.

    python3 config/containers/render.py FOLDER [NETWORK …]

`NETWORK …`: load balancers that are believed when they say whom they ask for (X-Forwarded-For).
The Containerfile runs it while it builds; it needs Jinja2 and PyYAML, and nothing of this project.
No secret is written: Redis' passwords are added when its container starts.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import yaml

ROLES = Path(__file__).resolve().parents[2] / "ansible" / "roles"
FRONT_FOLDER = "/etc/coupon/front"  # in the image
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - the container's; compose.yaml publishes some
# As `coupon` (defaults/main/site.yml) has them; the doors are where config/README.md says.
USERS, OPERATORS = ("8080", "127.0.0.1:8180"), ("8090", "127.0.0.1:8190")
MERCHANTS = ("8082", "127.0.0.1:8182")
PAGES = "127.0.0.1:8183"
METRICS_PORT = 8405
REDIS_USERS = ("web", "worker")
WEB_WORKERS, WEB_THREADS, OPERATORS_THREADS, MERCHANTS_THREADS = 2, 16, 16, 16
PAGES_THREADS = 16
CONNECTIONS = 7000  # two files each: below the limit that containers usually have


def role_variables(role: str) -> dict[str, Any]:
    """A role's defaults and variables. Expressions in them are not evaluated, but for the front's
    sentence that occurs in others."""
    found: dict[str, Any] = {}
    for part in ("defaults", "vars"):
        file = ROLES / role / part / "main.yml"
        found |= yaml.safe_load(file.read_text()) if file.exists() else {}
    for problem in found.get("front_problems", {}).values():
        problem["detail"] = problem["detail"].replace("{{ front_again }}", found["front_again"])
    return found


def render_template(role: str, name: str, variables: Mapping[str, Any]) -> str:
    """As Ansible renders it: it trims blocks, and knows filters that Jinja does not."""
    environment = jinja2.Environment(
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - not HTML
    )
    environment.filters["to_json"] = lambda value, **how: json.dumps(value, **how)
    environment.filters["coupon_redis_word"] = str
    text = (ROLES / role / "templates" / name).read_text()
    return environment.from_string(text).render(variables)


def write_front(configuration: Path, variables: Mapping[str, Any]) -> None:
    """HAProxy's configuration and the answers beside it, as files of the folder that they name."""
    folder = configuration.parent
    folder.mkdir(parents=True, exist_ok=True)
    for answer in json.loads(render_template("front", "answers.json.j2", variables)):
        (folder / Path(answer["path"]).name).write_text(answer["content"], newline="")
    for name in ("overloaded.map", "overloaded_page.map", "overloaded.css", "overloaded.js"):
        (folder / name).write_text(render_template("front", f"{name}.j2", variables))
    configuration.write_text(render_template("front", "haproxy.cfg.j2", variables))


def front_variables(balancers: Sequence[str]) -> dict[str, Any]:
    defaults = role_variables("front")
    shares = sum(defaults[f"front_{of}_at_once"] for of in ("probes", "scrapes", "files"))
    users, merchants, operators = defaults["front_doors"]
    pages = users["pages"] | {"to": PAGES, "at_once": PAGES_THREADS}
    many = {"at_once": WEB_WORKERS * WEB_THREADS, "connections": CONNECTIONS - 900}
    doors = [
        users | many | {"pages": pages},
        merchants | {"at_once": MERCHANTS_THREADS},
        operators | {"at_once": OPERATORS_THREADS - shares},
    ]
    for door, (port, inner) in zip(doors, (USERS, MERCHANTS, OPERATORS), strict=True):
        door |= {"listen": f"{EVERY_ADDRESS}:{port}", "to": inner}
    return defaults | {
        "front_folder": FRONT_FOLDER, "front_socket": "/run/coupon/admin.sock",
        "front_metrics": f"{EVERY_ADDRESS}:{METRICS_PORT}", "front_connections": CONNECTIONS,
        "front_balancers": list(balancers), "front_doors": doors, "front_cors_origins": [],
        "front_hsts": "",
    }  # fmt: skip


def redis_configuration() -> str:
    variables = role_variables("redis") | {
        "redis_address": EVERY_ADDRESS, "redis_decisions_port": 6379,
    }  # fmt: skip
    lines = render_template("redis", "coupon.conf.j2", variables).splitlines()
    kept = [line for line in lines if not line.startswith("include")]
    return "\n".join([*kept, "dir /data", ""])


def redis_users() -> str:
    """A line for each user of the containers: its name, and its rights as the role has them."""
    variables = role_variables("redis")
    lines = []
    for name in REDIS_USERS:
        rules = variables["redis_users"][name]
        text = "{keys} {channels} -@all {commands}".format_map(rules)
        while "{{" in text:
            text = jinja2.Environment(autoescape=False).from_string(text).render(variables)  # noqa: S701
        lines.append(" ".join([name, *text.split()]))
    return "\n".join([*lines, ""])


def mariadb_configuration() -> str:
    variables = role_variables("mysql") | {"mysql_address": EVERY_ADDRESS, "mysql_port": 3306}
    text = render_template("mysql", "coupon.cnf.j2", variables)
    files = {"socket": "/run/coupon/mariadb.sock", "pid-file": "/run/coupon/mariadb.pid"}
    own = {"datadir": "/data", **files}
    return text + "".join(f"{name} = {value}\n" for name, value in own.items())


def main(folder: Path, balancers: Sequence[str]) -> None:
    write_front(folder / "front" / "haproxy.cfg", front_variables(balancers))
    (folder / "redis.conf").write_text(redis_configuration())
    (folder / "redis.users").write_text(redis_users())
    (folder / "mariadb.cnf").write_text(mariadb_configuration())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
