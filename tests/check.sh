#!/bin/sh
# Static checks: style, types, pins, Django's checks, migrations, schema.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
$bin/ruff check .
$bin/ruff format --check .
$bin/mypy
$bin/python -m requirements.third_party pins
$bin/python manage.py makemigrations --check --dry-run
$bin/python manage.py spectacular --validate --fail-on-warn --file /dev/null

# With settings as in production, where none has a default. The secrets are made for this check only.
secret() { $bin/python -c 'import secrets; print(secrets.token_hex(40))'; }
COUPONS_ENV=production SECRET_KEY=$(secret) COUPON_KEYS=check:$(secret) JWT_HS256_SECRET=$(secret) \
  JWT_ISSUER=https://shop.example ALLOWED_HOSTS=coupons.example DATABASE_URL=sqlite://:memory: \
  REDIS_URL='rediss://127.0.0.1:1/0?ssl_cert_reqs=required&ssl_ca_certs=/ca' \
  CELERY_BROKER_URL='rediss://127.0.0.1:2/0?ssl_cert_reqs=required&ssl_ca_certs=/ca' \
  $bin/python manage.py check --deploy --fail-level WARNING
