"""The commands that `test_live.py` runs as printed, each with the exit status that it may have."""

SLUG, AHEAD, NAME = "opening-1", "ahead-1", "admin"  # for the words SLUG and NAME of the pages
FIRST_CURL = (
    "curl -X POST http://127.0.0.1:8080/api/v1/campaigns/opening-1/claims"
    ' -H "Authorization: Bearer $(.venv/bin/python manage.py user_token mina)"'
)
RENAME = "redis-cli RENAME 'coupon:{SLUG}:KEY' 'coupon:{SLUG}:KEY-damaged'"
SERVICES = (
    "granian --interface wsgi --http 1 --no-ws --host 127.0.0.1 --port 8180 --workers 2"
    " --blocking-threads 16 --backlog 4096 --backpressure 16384 --log-config config/granian.json"
    " config.wsgi:application",
    "python -m config.worker.consumer",
)
# In this order, beside one `make run`.
MANAGE = {
    "manage.py check": {0},
    "manage.py check --tag stores": {0},
    "manage.py migrate": {0},
    "manage.py definitions": {0},
    "manage.py plan_capacity": {0},
    "manage.py plan_capacity --table": {0},
    "manage.py plan_capacity --people 1000000 --seconds 10 --stock 100000": {0},
    "manage.py plan_capacity --people 100000 --seconds 10 --stock 5000": {0},
    "manage.py reconcile": {0},
    "manage.py reconcile SLUG": {0},
    "manage.py reconcile SLUG --repair": {0},
    "manage.py rebuild SLUG": {0},
    "manage.py replay_parked SLUG": {0},
    "manage.py unlock NAME": {0},
    "manage.py operator NAME --role operator": {0},
    "manage.py operator NAME --link": {0},
    "manage.py operator NAME --reset-totp": {0},
    "manage.py unlock --all": {0},
    "manage.py dress_rehearsal SLUG --people 100 --per-second 50": {0, 1},  # 1: red, or too near
    "manage.py readiness SLUG": {0, 1},  # 1: red, as a laptop without spare memory may be
    'manage.py readiness SLUG --override "WHY"': {0, 1},
    "manage.py campaign pause SLUG": {0},
}
CURLS = ("curl -s http://API:8090/readyz", "curl -s http://CONSUMER:8081/readyz")
AWS = (
    "make plan ENV=production",
    ".venv/bin/python -m provisioning apply --env production",
    ".venv/bin/python -m provisioning inventory --env production",
)
COMMANDS = frozenset({FIRST_CURL, RENAME, *SERVICES, *MANAGE, *CURLS, *AWS, "make run"})
