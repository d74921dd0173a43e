"""Claims: the deciding Redis, the drain, keys and tokens. Units are in the names."""

from config import env
from coupons.claims.values import QueueMac

# The Redis that decides claims (the Celery broker is another endpoint: see config.celery)
REDIS_URL = env.store_url("REDIS_URL", local=env.LAPTOP_REDIS_URL)
# A claim waits this long for Redis and then gets a 503. There is no retry.
REDIS_TIMEOUT_S = env.seconds("REDIS_TIMEOUT_S", 0.3, low=0.01, high=10)
REDIS_MAX_CONNECTIONS = env.integer("REDIS_MAX_CONNECTIONS", 64, low=1)
# After an admission, wait until so many replicas have it (0 = don't), for at most so long.
REDIS_WAIT_REPLICAS = env.integer("REDIS_WAIT_REPLICAS", 0, high=5)
REDIS_WAIT_MS = env.integer("REDIS_WAIT_MS", 100, low=1, high=5_000)

# The queue and its drain
LONGEST_QUEUE = env.integer("LONGEST_QUEUE", 1_000_000, low=1)  # claims waiting per campaign
DRAIN_BATCH = env.integer("DRAIN_BATCH", 500, low=1, high=5_000)  # claims per transaction
DRAIN_TIME_S = env.seconds(
    "DRAIN_TIME_S", 20, high=25
)  # the duration of one task at most; below the soft time limit
# A drain that stored a small batch waits so long for more claims before it reads again.
DRAIN_GATHER_S = env.seconds("DRAIN_GATHER_S", 0.05)
# Rows one process stores in a second at most; 0 = no limit.
DRAIN_ROWS_PER_S = env.integer("DRAIN_ROWS_PER_S", 0)
# How long a drain retries while the database is unreachable, before it leaves the rest to a later
# one.
DRAIN_PATIENCE_S = env.seconds("DRAIN_PATIENCE_S", 5)
# A batch unacknowledged for so long is taken over by another drain. Too early only repeats work.
DRAIN_TAKE_OVER_MS = env.integer("DRAIN_TAKE_OVER_MS", 5_000, low=1)

# Whether each queued claim carries a MAC by its campaign's key, so that who writes to Redis issues
# no coupon. First `written` on all hosts, then `required`.
QUEUE_MAC = env.choice("QUEUE_MAC", QueueMac, default=QueueMac.OFF)

# A coupon is given to the waitlist only if it can be used for so long.
WAITLIST_LEAST_USE_S = env.seconds("WAITLIST_LEAST_USE_S", 3600, high=30 * 86_400)

# How long a web process caches a campaign's snapshot
FACTS_TTL_S = env.seconds("FACTS_TTL_S", 1)
# While this file exists, /readyz answers 503, so that load balancers send no more requests.
DRAINING_FILE = env.text("DRAINING_FILE", default="")
# Requests are refused at once while they would wait longer than this for a thread; 0 = never.
SHED_AFTER_S = env.seconds("SHED_AFTER_S", 0.7, high=60)
CLAIMS_PER_USER_PER_S = env.integer("CLAIMS_PER_USER_PER_S", 20)  # per process; 0 = no limit
REQUESTS_PER_USER_PER_S = env.integer("REQUESTS_PER_USER_PER_S", 50)  # those that change nothing
UNKNOWN_PER_USER_PER_MIN = env.integer("UNKNOWN_PER_USER_PER_MIN", 60)  # codes, receipts
# Refused users of whom a process keeps a note, per second and campaign; above it a sample; 0 = none
REFUSALS_NOTED_PER_S = env.integer("REFUSALS_NOTED_PER_S", 1_000, high=10_000)

# Merchants' keys, per process; 0 = no limit
REQUESTS_PER_KEY_PER_S = env.integer("REQUESTS_PER_KEY_PER_S", 500)
UNKNOWN_CODES_PER_KEY_PER_MIN = env.integer("UNKNOWN_CODES_PER_KEY_PER_MIN", 20)

# Keys and tokens
COUPON_KEYS = env.secrets_by_id("COUPON_KEYS", local="local:" + "11" * 32)
JWT_ISSUER = env.text("JWT_ISSUER", local="https://shop.local")
JWT_AUDIENCE = env.text("JWT_AUDIENCE", default="coupons")
# A token that is valid for longer than this from now on is refused.
JWT_LONGEST_S = env.integer("JWT_LONGEST_S", 30 * 86_400, low=60)
# One of the two: a shared secret (HS256), or a file of public keys (RS256, ES256, EdDSA).
JWT_JWKS_FILE = env.file("JWT_JWKS_FILE")
# On hosts that read no tokens (consumer hosts), the shop's secret is not needed.
READS_TOKENS = env.boolean("READS_TOKENS", default=True)
JWT_HS256_SECRET = (
    ""
    if JWT_JWKS_FILE or not READS_TOKENS
    else env.secret("JWT_HS256_SECRET", local="local-only-" + "2" * 40)
)
# Former shared secrets, while the shop changes to the new one.
JWT_HS256_PREVIOUS = env.secret_texts("JWT_HS256_PREVIOUS")

# A dress rehearsal signs its crowd's tokens with the shared secret; for a site with JWT_JWKS_FILE,
# with this private key (PEM), whose public half is in that file, and its key id.
JWT_SIGNING_KEY_FILE = env.file("JWT_SIGNING_KEY_FILE")
JWT_SIGNING_KEY_ID = env.text("JWT_SIGNING_KEY_ID", default="")
# The segments that the shop puts into its users' tokens: what a rehearsal's crowd carries.
SHOP_SEGMENTS = env.listing("SHOP_SEGMENTS", default="")

# What the readiness board expects: the number of hosts, and how many connections to the database
# each may keep (web: processes × threads; consumer: processes, and 6 for webhooks).
PLANNED_API_HOSTS = env.integer("PLANNED_API_HOSTS", 1, low=1)
PLANNED_CONSUMER_HOSTS = env.integer("PLANNED_CONSUMER_HOSTS", 1, low=1)
CONNECTIONS_PER_API_HOST = env.integer("CONNECTIONS_PER_API_HOST", 32, low=1)
CONNECTIONS_PER_CONSUMER_HOST = env.integer("CONNECTIONS_PER_CONSUMER_HOST", 10, low=1)
# Addresses from which a warm-up requests the campaign's page, so that their caches have it before
# the opening.
WARM_UP_URLS = env.listing("WARM_UP_URLS", default="")
# Where an operator reaches the admin: on a laptop, and through a tunnel to the same port.
OPERATORS_SITE = f"http://localhost:{env.integer('OPERATORS_PORT', 8090, low=1, high=65_535)}"
# The TLS certificate that users see: an https address or a PEM file; the board shows its days left.
SITE_CERTIFICATE = env.text("SITE_CERTIFICATE", default="")
# A red board puts a hold on an opening from so many seconds before it; 0: never.
HOLD_BACK_S = env.seconds("HOLD_BACK_S", 60, high=600)
