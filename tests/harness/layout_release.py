"""A made-up release after this one that changes what Redis holds of a campaign: this checkout with
another layout, in which the gate's `longest` is called `limit`.
"""

from pathlib import Path

# What the made-up release changes: file, text, replacement.
CHANGES = (
    ("coupons/store/layouts.py", "NEWEST = 1", "NEWEST = 2"),
    ("coupons/store/lua/admit.lua", "'next', 'longest')", "'next', 'longest', 'limit')"),
    ("coupons/store/lua/admit.lua", "tonumber(gate[7])", "tonumber(gate[7] or gate[8])"),
)
STEP = """
from coupons.store import keys
from coupons.store.layout_steps import Moment, Step

LUA = '''
if redis.call('HGET', KEYS[1], 'layout') ~= '1' then return end
redis.call('HSET', KEYS[1], 'limit', redis.call('HGET', KEYS[1], 'longest'), 'layout', '2')
redis.call('HDEL', KEYS[1], 'longest')
'''


def rename(calls, slug):
    calls.client.eval(LUA, 1, keys.campaign_keys(slug).gate)


STEP = Step(2, Moment.AFTER, rename)
"""
LAYOUT = 2
STEP_FILE = "coupons/store/layout_steps/layout_0002.py"


def changed_files(tree: Path) -> dict[str, str]:
    """Its files that differ from those of `tree`: path → text. Raises ValueError if what it changes
    does not stand there once."""
    changed = {STEP_FILE: STEP}
    for name, text, replacement in CHANGES:
        source = changed.get(name) or (tree / name).read_text()
        if source.count(text) != 1:
            raise ValueError(f"{name} does not say once: {text}")
        changed[name] = source.replace(text, replacement)
    return changed
