"""Django itself: apps, middleware, security, language, static files."""

import logging
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config import env, logs, tracing
from config.doors import URLCONFS, Door, apps_for, middleware_for

PRODUCTION = env.PRODUCTION  # for the system checks: no local secrets in production
DEBUG = False  # everywhere: error pages on a laptop are the same as in production
SECRET_KEY = env.secret("SECRET_KEY", local="local-only-" + "0" * 50)
SECRET_KEY_FALLBACKS = env.secret_texts("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS", local="*")
CSRF_TRUSTED_ORIGINS = env.listing("CSRF_TRUSTED_ORIGINS", default="")

# Which door this process serves; `all` is for tests and manage.py.
DOOR = env.choice("DOOR", Door, default=Door.ALL)
ROOT_URLCONF = URLCONFS[DOOR]
WSGI_APPLICATION = "config.wsgi.application"

INSTALLED_APPS = [
    "coupons.apps.CouponsConfig",
    "coupons.apps.OperatorsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "django_prometheus",
    "rest_framework",
    "rest_framework_api_key",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
INSTALLED_APPS = apps_for(DOOR, INSTALLED_APPS)

MIDDLEWARE = [
    "config.probes.answer_probes",
    "config.request_context.request_context",
    "coupons.audit.requests.audit_requests",
    "config.admin_metrics.AdminRequestMetrics",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.PagePolicy",
    "config.page_files.PageFiles",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.AdminSession",
    "config.middleware.AdminLocale",
    "django.middleware.common.CommonMiddleware",
    "config.middleware.AdminCsrf",
    "config.middleware.AdminAuthentication",
    "config.middleware.AdminVerifiedOperator",
    "config.middleware.AdminMessages",
    "config.middleware.AdminFrameOptions",
    "config.admin_metrics.AdminViewMetrics",
    "config.middleware.visible_text_middleware",
]

# Seconds, the bounds of django-prometheus' histograms; its own are 24 series for each view.
PROMETHEUS_LATENCY_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, float("inf"))
# Nothing of ours uses Django's cache; what a package puts there is counted.
CACHES = {"default": {"BACKEND": "config.counted_cache.CountedCache"}}

# Traces, if a collector is configured: behind `request_context`, which sets the request's id.
if tracing.ON:
    MIDDLEWARE[2:2] = ["config.tracing.web.trace_requests"]

MIDDLEWARE = middleware_for(DOOR, MIDDLEWARE)

# These two look for Django's own class names; ours are subclasses, and tests cover them.
SILENCED_SYSTEM_CHECKS = ["security.W002", "security.W003"]
# Keys of less than 50 characters: `env.secret` has checked more than their length.
SILENCED_SYSTEM_CHECKS += ["security.W009", "security.W025"]
SILENCED_SYSTEM_CHECKS += env.listing("SILENCED_CHECKS", default="")

ASSETS = env.BASE_DIR / "coupons" / "assets"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ASSETS / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "libraries": {"operations": "coupons.admin.template_tags"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

AUTHENTICATION_BACKENDS = [
    "coupons.admin.login.lockout.Lockout",
    "django.contrib.auth.backends.ModelBackend",
]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 14}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 86_400  # seconds for which a link of `manage.py operator` is good
# A shop with one operator: who asked for what can't be undone may approve it. In the history.
APPROVE_ALONE = env.boolean("APPROVE_ALONE", default=False)
# A code of an authenticator app at each login of an operator, beside the password.
OPERATOR_TOTP = env.boolean("OPERATOR_TOTP", default=PRODUCTION)
# Attempts with codes are counted by `coupons.admin.login.lockout`. django-otp's own waiting time
# would let whoever knows a password keep its operator out.
OTP_TOTP_THROTTLE_FACTOR = OTP_STATIC_THROTTLE_FACTOR = 0
OTP_TOTP_ISSUER = env.text("OPERATOR_TOTP_ISSUER", default="coupons")

# Proxies of ours whose X-Forwarded-For is trusted.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES", default="127.0.0.0/8,::1/128")
# TLS ends at the load balancer, which overwrites X-Forwarded-Proto.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# A production site without a certificate must set PLAIN_HTTP to exactly these words.
PLAIN_HTTP = env.text("PLAIN_HTTP", default="", one_of=("", "for trying out"))
_HTTPS_ONLY = PRODUCTION and not PLAIN_HTTP
SECURE_SSL_REDIRECT = env.boolean("SECURE_SSL_REDIRECT", default=_HTTPS_ONLY)
USERS_ARE_REDIRECTED = SECURE_SSL_REDIRECT
if DOOR is Door.OPERATORS:
    # Reached through an ssh tunnel at http://localhost of the operator's machine. Over plain HTTP
    # browsers send Secure cookies to localhost only: a login at any other address fails.
    SECURE_SSL_REDIRECT = False
    ALLOWED_HOSTS += ["localhost"]
# Every answer has these by `config.security_headers`, also those that Django never sees.
SECURE_CONTENT_TYPE_NOSNIFF = False
SECURE_REFERRER_POLICY = SECURE_CROSS_ORIGIN_OPENER_POLICY = None
SILENCED_SYSTEM_CHECKS += ["security.W006", "security.W022"]
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_SSL_REDIRECT else 0  # one year
if PLAIN_HTTP:  # HSTS, redirect, cookies over HTTPS only
    SILENCED_SYSTEM_CHECKS += [f"security.W0{number}" for number in ("04", "08", "10", "12", "16")]
# Both bind other names of the owner's domain, and browsers keep a preloaded name for years: chosen,
# never given by default. Django would warn of each that is off.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.boolean("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.boolean("SECURE_HSTS_PRELOAD", default=False)
if SECURE_HSTS_PRELOAD and not SECURE_HSTS_INCLUDE_SUBDOMAINS:
    raise ImproperlyConfigured("SECURE_HSTS_PRELOAD needs SECURE_HSTS_INCLUDE_SUBDOMAINS=yes, too.")
SILENCED_SYSTEM_CHECKS += ["security.W005", "security.W021"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = USERS_ARE_REDIRECTED or _HTTPS_ONLY
LOGIN_REDIRECT_URL = "admin:index"  # also after a login that asks for a page elsewhere
SESSION_COOKIE_AGE = 1800  # seconds without use, after which an operator's session ends
DATA_UPLOAD_MAX_MEMORY_SIZE = (
    1_000_000  # bytes, for admin forms; the API has its own, smaller bound
)

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ko", "한국어")]
LOCALE_PATHS = [ASSETS / "locale"]
TIME_ZONE = env.time_zone("TIME_ZONE", default="Asia/Seoul")  # of pages; the stores keep UTC
USE_I18N = USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [ASSETS / "static"]
STATIC_ROOT = env.BASE_DIR / "var" / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

# The link to Flower in the admin's header; empty: no link.
FLOWER_URL = env.text("FLOWER_URL", default="")
# `user:password` for `manage.py flower`, which requires one except on a laptop's loopback.
FLOWER_LOGIN = env.text("FLOWER_LOGIN", default="")
env.demand_unlike_secrets("The password of FLOWER_LOGIN", FLOWER_LOGIN.partition(":")[2])
FLOWER_LOGIN_FILE = env.BASE_DIR / "config" / "flower_login.py"  # which Flower reads

_LOG_JSON = env.boolean("LOG_JSON", default=env.PRODUCTION)
_LOG_LEVEL = env.text("LOG_LEVEL", default="INFO", one_of=logs.LEVELS)
LOGGING = logs.log_configuration(level=_LOG_LEVEL, as_json=_LOG_JSON)
logging.captureWarnings(_LOG_JSON)  # Python's own warnings become log lines as well
