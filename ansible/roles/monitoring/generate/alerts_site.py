"""Alerts about the front, both stores and the hosts."""

from alert import (
    NODE,
    REDIS_TIME,
    SALE,
    TURNED_AWAY,
    USERS_FAILED,
    Alert,
    of_consumer,
    of_front,
    of_web,
)

FRONT = [
    Alert(
        name="AdmissionSlow",
        limit="admission-p99",
        expr='coupon:admission_seconds:p99{answer="issued"} > {limit}',
        fires={
            of_web("coupon_admission_seconds_bucket", 'answer="issued",le="0.5"'): "0+1x40",
            of_web("coupon_admission_seconds_bucket", 'answer="issued",le="1"'): "0+9x40",
            of_web("coupon_admission_seconds_bucket", 'answer="issued",le="+Inf"'): "0+9x40",
        },
        quiet={
            of_web("coupon_admission_seconds_bucket", 'answer="issued",le="0.5"'): "0+9x40",
            of_web("coupon_admission_seconds_bucket", 'answer="issued",le="1"'): "0+9x40",
            of_web("coupon_admission_seconds_bucket", 'answer="issued",le="+Inf"'): "0+9x40",
        },
    ),
    Alert(
        name="TurnedAway",
        limit="shed-rate",
        expr=f"{TURNED_AWAY} > {{limit}}",
        fires={
            of_front("haproxy_backend_http_responses_total", USERS_FAILED): "0+30x40",
            of_front("haproxy_server_http_responses_total", USERS_FAILED): "0x40",
        },
        quiet={  # failures of granian itself are another alert
            of_front("haproxy_backend_http_responses_total", USERS_FAILED): "500+30x40",
            of_front("haproxy_server_http_responses_total", USERS_FAILED): "0+30x40",
        },
    ),
    Alert(
        name="ServerErrors",
        limit="server-errors",
        expr='sum(increase(coupon_responses_total{status=~"5.."}[1m])) > {limit}',
        severity="ticket",
        fires={of_web("coupon_responses_total", 'status="503"'): "0+30x40"},
        quiet={
            of_web("coupon_responses_total", 'status="503"'): "0+5x40",
            of_web("coupon_responses_total", 'status="409"'): "0+900x40",  # refusals are no errors
        },
    ),
    Alert(
        name="UnforeseenErrors",
        expr='sum(increase(coupon_responses_total{status="500"}[5m])) > 0',
        says="A request raised an unexpected exception: the web's log has its traceback.",
        for_="0m",
        severity="ticket",
        fires={of_web("coupon_responses_total", 'status="500"'): "0+1x40"},
        quiet={of_web("coupon_responses_total", 'status="500"'): "4x40"},
    ),
    Alert(
        name="PasswordsGuessed",
        expr='sum(increase(coupon_logins_total{outcome="refused"}[10m])) > 30',
        says="Many logins are refused before the password is checked: passwords are guessed.",
        for_="0m",
        severity="ticket",
        fires={of_web("coupon_logins_total", 'outcome="refused"'): "0+20x40"},
        quiet={
            of_web("coupon_logins_total", 'outcome="refused"'): "0 1 2 3x40",
            of_web("coupon_logins_total", 'outcome="wrong"'): "0+20x40",
        },
    ),
    Alert(
        name="DependencyRests",
        expr="max by (dependency) (coupon_breaker_open) > 0",
        says="A circuit breaker is open: a dependency does not answer, and claims get 503.",
        for_="30s",
        fires={of_web("coupon_breaker_open", 'dependency="redis"'): "1x40"},
        quiet={of_web("coupon_breaker_open", 'dependency="redis"'): "1 1 0x40"},
    ),
    Alert(
        name="OpeningHeldBack",
        expr="increase(coupon_openings_held_total[10m]) > 0",
        says="An opening was put on hold, because its readiness board is red.",
        for_="0m",
        fires={of_consumer("coupon_openings_held_total"): "0 1x40"},
        quiet={of_consumer("coupon_openings_held_total"): "1x40"},
    ),
    Alert(
        name="BoardRed",
        expr="max by (campaign) (coupon_readiness_red_lines) > 0"
        f" and on (campaign) max by (campaign) (coupon_opens_timestamp_seconds) > {REDIS_TIME}",
        says="A campaign's readiness board is red before its opening.",
        for_="0m",
        fires={
            of_consumer("coupon_redis_time_seconds"): "5000+15x40",
            of_consumer("coupon_readiness_red_lines", SALE): "1x40",
            of_consumer("coupon_opens_timestamp_seconds", SALE): "99999x40",
        },
        quiet={
            of_consumer("coupon_redis_time_seconds"): "5000+15x40",
            of_consumer("coupon_readiness_red_lines", SALE): "2x40",  # the last check before it
            of_consumer("coupon_opens_timestamp_seconds", SALE): "5300x40",  # it has opened
        },
    ),
    Alert(
        name="WebGone",
        expr='up{job="web"} == 0 or absent(up{job="web"})',
        says="An api host's /metrics does not answer.",
        fires={of_web("up"): "0x40"},
        quiet={of_web("up"): "1x40"},
    ),
    Alert(
        name="ConsumerGone",
        expr='up{job="consumer"} == 0 or absent(up{job="consumer"})',
        says="A consumer host's /metrics does not answer: the gauges of the queues are missing.",
        fires={},
        quiet={of_consumer("up"): "1x40"},
    ),
]  # fmt: skip

STORES = [
    Alert(
        name="RedisAway",
        expr="max(coupon_redis_up) == 0",
        says="The deciding Redis does not answer: every claim gets 503.",
        for_="30s",
        fires={of_consumer("coupon_redis_up"): "0x40"},
        quiet={of_consumer("coupon_redis_up"): "1x40"},
    ),
    Alert(
        name="DatabaseAway",
        expr="max(coupon_database_up) == 0",
        says="MySQL does not answer: claims are admitted and wait.",
        fires={of_consumer("coupon_database_up"): "0x40"},
        quiet={of_consumer("coupon_database_up"): "1x40"},
    ),
    Alert(
        name="RedisFillsUp",
        limit="redis-memory",
        expr="100 * max(coupon_redis_memory_bytes / (coupon_redis_memory_max_bytes > 0)) > {limit}",
        fires={
            of_consumer("coupon_redis_memory_bytes"): "70x40",
            of_consumer("coupon_redis_memory_max_bytes"): "100x40",
        },
        quiet={
            of_consumer("coupon_redis_memory_bytes"): "70x40",
            of_consumer("coupon_redis_memory_max_bytes"): "0x40",  # no limit is set
        },
    ),
    Alert(
        name="RedisEvicts",
        limit="redis-evictions",
        expr="max(increase(coupon_redis_evicted_keys_total[5m])) > {limit}",
        fires={of_consumer("coupon_redis_evicted_keys_total"): "0+2x40"},
        quiet={of_consumer("coupon_redis_evicted_keys_total"): "9x40"},
    ),
    Alert(
        name="RedisForgetful",
        expr="max(coupon_redis_append_only_ok + coupon_redis_replicas) == 0",
        says="The deciding Redis has no append-only file and no replica: a restart loses all data.",
        for_="2m",
        fires={
            of_consumer("coupon_redis_append_only_ok"): "0x40",
            of_consumer("coupon_redis_replicas"): "0x40",
        },
        quiet={
            of_consumer("coupon_redis_append_only_ok"): "0x40",  # as ElastiCache: replicas instead
            of_consumer("coupon_redis_replicas"): "1x40",
        },
    ),
    Alert(
        name="RedisClockOff",
        limit="redis-clock",
        expr="max(abs(coupon_redis_clock_ahead_seconds)) > {limit}",
        fires={of_consumer("coupon_redis_clock_ahead_seconds"): "-2x40"},
        quiet={of_consumer("coupon_redis_clock_ahead_seconds"): "0.01x40"},
    ),
    Alert(
        name="HostClockOff",
        limit="redis-clock",
        expr="max by (process) (abs(coupon_clock_ahead_seconds)) > {limit}",
        says="A host's clock is wrong: no data is lost, but tokens and log lines are misdated.",
        severity="ticket",
        fires={of_consumer("coupon_clock_ahead_seconds", 'process="celery@c2"'): "8x40"},
        quiet={of_consumer("coupon_clock_ahead_seconds", 'process="celery@c2"'): "-0.02x40"},
    ),
    Alert(
        name="DatabaseConnectionsRunOut",
        limit="database-connections-share",
        expr="max(coupon_database_connections / (coupon_database_connections_max > 0)) > {limit}",
        fires={
            of_consumer("coupon_database_connections"): "90x40",
            of_consumer("coupon_database_connections_max"): "100x40",
        },
        quiet={
            of_consumer("coupon_database_connections"): "60x40",
            of_consumer("coupon_database_connections_max"): "100x40",
        },
    ),
]  # fmt: skip

HOSTS = [
    Alert(
        name="HostBusy",
        limit="host-cpu",
        expr="100 * (1 - avg by (instance)"
        ' (rate(node_cpu_seconds_total{mode="idle"}[1m]))) > {limit}',
        severity="ticket",
        fires={f'node_cpu_seconds_total{{{NODE},cpu="0",mode="idle"}}': "0+1x60"},
        quiet={f'node_cpu_seconds_total{{{NODE},cpu="0",mode="idle"}}': "0+12x60"},
    ),
    Alert(
        name="DiskNearlyFull",
        limit="disk-free",
        expr="100 * min by (instance, mountpoint)"
        ' (node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs"}'
        ' / node_filesystem_size_bytes{fstype!~"tmpfs|ramfs"}) < {limit}',
        severity="ticket",
        fires={
            f'node_filesystem_avail_bytes{{{NODE},mountpoint="/",fstype="ext4"}}': "5x60",
            f'node_filesystem_size_bytes{{{NODE},mountpoint="/",fstype="ext4"}}': "100x60",
        },
        quiet={
            f'node_filesystem_avail_bytes{{{NODE},mountpoint="/run",fstype="tmpfs"}}': "5x60",
            f'node_filesystem_size_bytes{{{NODE},mountpoint="/run",fstype="tmpfs"}}': "100x60",
        },
    ),
    Alert(
        name="MemoryNearlyGone",
        limit="host-memory",
        expr="100 * node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < {limit}",
        severity="ticket",
        fires={
            f"node_memory_MemAvailable_bytes{{{NODE}}}": "5x60",
            f"node_memory_MemTotal_bytes{{{NODE}}}": "100x60",
        },
        quiet={
            f"node_memory_MemAvailable_bytes{{{NODE}}}": "50x60",
            f"node_memory_MemTotal_bytes{{{NODE}}}": "100x60",
        },
    ),
]  # fmt: skip
