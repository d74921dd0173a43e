"""What our own processes wrote into a campaign's history, in the reader's language. It was written
in English, where nobody was there to read it."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from coupons.audit.sentence_templates import SentenceTemplates

# Of a line's name, as a person calls it.
LABELS: dict[str, Promise] = {
    "state": gettext_lazy("state"),
    "coupon_keys": gettext_lazy("coupon keys"),
    "both_stores": gettext_lazy("both stores"),
    "keys": gettext_lazy("keys in Redis"),
    "drain": gettext_lazy("storing"),
    "slots": gettext_lazy("slots"),
    "redis": gettext_lazy("Redis"),
    "clock": gettext_lazy("clock"),
    "host_clocks": gettext_lazy("host clocks"),
    "memory": gettext_lazy("memory"),
    "eviction": gettext_lazy("eviction"),
    "persistence": gettext_lazy("persistence"),
    "replicas": gettext_lazy("replicas"),
    "broker": gettext_lazy("broker"),
    "canary": gettext_lazy("canary"),
    "beat": gettext_lazy("beat"),
    "mysql": gettext_lazy("database"),
    "durable": gettext_lazy("durability"),
    "time_zone": gettext_lazy("database's time zone"),
    "connections": gettext_lazy("connections"),
    "token_keys": gettext_lazy("token keys"),
    "disk": gettext_lazy("disk"),
    "certificate": gettext_lazy("certificate"),
    "warm_up": gettext_lazy("warm-up"),
}
RED = gettext_noop("red: {}")
NOTHING_RED = gettext_noop("nothing is red any more")
DATABASE_ANSWERED = gettext_noop("the database answered in {} ms")
SCRIPTS_LOADED = gettext_noop("{} scripts are in Redis")
HOST_ANSWERED = gettext_noop("{} answered {} of {}")
REBUILT = gettext_noop(
    "{} claimants; numbers go on above {}; epoch {}"
)  # of coupons.recovery.rebuild
_WHOLE = SentenceTemplates(NOTHING_RED, REBUILT)
_PARTS = SentenceTemplates(DATABASE_ANSWERED, SCRIPTS_LOADED, HOST_ANSWERED)
_AND = "; "
_RED_BEGINS = RED.format("")


def check_label(name: str) -> str:
    return str(LABELS.get(name, name))


def list_separator(*notes: str) -> str:
    return _AND.join(notes)


def translated_note(note: str) -> str:
    """A person's own words come back as they are."""
    if note.startswith(_RED_BEGINS):
        names = note.removeprefix(_RED_BEGINS).split(", ")
        return _(RED).format(", ".join(map(check_label, names)))
    return _WHOLE.spoken(note) or _AND.join(
        _PARTS.spoken(part) or part for part in note.split(_AND)
    )
