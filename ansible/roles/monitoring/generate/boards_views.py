"""Panels of django-prometheus' metrics: views but for the claims endpoint, the operators' database
connections, models, Django's cache."""

from panels import Panel

_VIEW_SECONDS = "django_http_requests_latency_seconds_by_view_method_bucket"
_RESPONSES = "django_http_responses_total_by_status_view_method_total"
_ADMIN_SECONDS = "django_http_requests_latency_including_middlewares_seconds_bucket"

VIEWS = [
    Panel(
        title="Responses a second, by view", unit="reqps", columns=12,
        queries={"{{view}}": f"sum by (view) (rate({_RESPONSES}[1m]))"},
        says="Without the claims endpoint, which is on the board Opening.",
    ),
    Panel(
        title="Time per response by view, p95", unit="s", columns=12,
        queries={
            "{{view}}":
                f"histogram_quantile(0.95, sum by (view, le) (rate({_VIEW_SECONDS}[5m])))",
        },
    ),
    Panel(
        title="Failed responses and exceptions a second, by view", unit="ops",
        queries={
            "{{status}} {{view}}":
                f'sum by (status, view) (rate({_RESPONSES}{{status=~"5.."}}[1m])) or vector(0)',
            "exceptions {{view}}":
                "sum by (view) (rate(django_http_exceptions_total_by_view_total[1m]))"
                " or vector(0)",
        },
    ),
    Panel(
        title="Time per request of the admin, p95", unit="s",
        queries={
            "with middleware":
                f"histogram_quantile(0.95, sum by (le) (rate({_ADMIN_SECONDS}[5m])))",
        },
        says="Sessions, login and forms included.",
    ),
    Panel(
        title="Objects saved and deleted a minute, by model",
        queries={
            f"{{{{model}}}} {kind}": f"sum by (model) (60 * rate(django_model_{kind}_total[5m]))"
            for kind in ("inserts", "updates", "deletes")
        },
        says="One by one, as the admin does. Coupons are written in bulk: see the board Pipeline.",
    ),
    Panel(
        title="The operators' SQL statements a second", unit="ops",
        queries={
            "statements": "sum(rate(django_db_execute_total[1m]))",
            "failed": "sum(rate(django_db_errors_total[1m])) or vector(0)",
            "connections opened": "sum(rate(django_db_new_connections_total[1m]))",
        },
    ),
    Panel(
        title="The operators' time per SQL statement, p95", unit="s",
        queries={
            "{{vendor}}": "histogram_quantile(0.95, sum by (vendor, le)"
                          " (rate(django_db_query_duration_seconds_bucket[5m])))",
        },
    ),
    Panel(
        title="Django's cache, a second", unit="ops",
        queries={
            "read": "sum(rate(django_cache_get_total[1m])) or vector(0)",
            "found": "sum(rate(django_cache_get_hits_total[1m])) or vector(0)",
        },
        says="The product itself does not use it.",
    ),
]  # fmt: skip
