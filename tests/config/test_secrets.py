"""13.5: in production no process starts with a secret that is public, weak or used twice."""

import ast
import base64
import hashlib
import json
import re
import secrets
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from config import env
from config.secret_rules import are_alike, secret_weakness
from tests.config.test_settings import PRODUCTION, last_line, load_settings

LOCAL_JWT = "local-only-" + "2" * 40
GOOD = secrets.token_urlsafe(40)
SECRETS = ["SECRET_KEY", "JWT_HS256_SECRET"]
WEAK = {
    "a laptop's default": LOCAL_JWT,
    "another laptop's default": "local-only-" + "0" * 50,
    "Django's own start": "django-insecure-" + GOOD,
    "a placeholder": "please-changeme-" + GOOD,
    "one letter": "s" * 60,
    "mostly one letter": "jwt-secret-of-the-shop-" + "x" * 40,
    "a word again and again": "coupon" * 10,
    "a word again and again, cut off": ("correct-horse-" * 5)[:60],
    "hexadecimal of one byte": "5e" * 32,
    "the keyboard": "abcdefghijklmnopqrstuvwxyz0123456789",
    "a count": bytes(range(32)).hex(),
    "rows of a keyboard": "qwertyuiopasdfghjklzxcvbnm123456",
    "rows of a keyboard, backwards": "][poiuytrewq;lkjhgfdsa/.,mnbvcxz",
    "two counts that alternate": "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6",
    "common words": "super-secret-jwt-signing-key-2026-prod",
    "common words in digits": "P@ssw0rd!S3cr3t!P@ssw0rd2026!T0k3n",
    "a part again, with another between": "abcabcabcabdabcabcabcabdabcabcab",
    "a pattern in base64": base64.b64encode(b"MyVerySecretPassword1234567890!!").decode(),
    "a pattern in base64, twice": base64.b64encode(
        base64.b64encode(b"qwertyuiopasdfghjklzxcvbnm123456")
    ).decode(),
    "a pattern in base32": base64.b32encode(b"12345678901234567890123456789012").decode(),
    "a count with colons": bytes(range(32)).hex(":"),
    "columns of a keyboard": "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,",
    "common words backwards": "drowssap-terces-nimda-retsam-tset-ipa",
    "a random part twice": GOOD[:20] * 2,
    "a placeholder in other spelling": "CHANGE_ME_" + GOOD,
    "an instruction": "change-this-to-" + GOOD,
    "a placeholder in brackets": "<a-long-random-string-goes-in-here>",
    "the key of RFC 7515": (
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    ),
    "the hash of nothing": hashlib.sha256(b"").hexdigest(),
    "the hash of a word": hashlib.sha256(b"password").hexdigest(),
    "the MD5 of a word": hashlib.md5(b"secret", usedforsecurity=False).hexdigest(),
    "from a test": "R4nd0m-enough-for-a-test-0123456789",
}


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("value", WEAK.values(), ids=WEAK.keys())
def test_13_5_a_secret_that_others_know_or_guess_stops_the_start(name: str, value: str) -> None:
    message = last_line(load_settings(**PRODUCTION | {name: value}))
    assert name in message
    assert "everybody can read it" in message or "can be guessed" in message
    assert value not in message


@pytest.mark.parametrize("key", ["11" * 32, "5e" * 32, bytes(range(32)).hex(), "6b" * 40])
def test_13_5_so_does_a_key_of_coupon_codes(key: str) -> None:
    good = secrets.token_hex(32)
    for given in (f"k1:{key}", f"k2:{good},k1:{key}"):
        message = last_line(load_settings(**PRODUCTION | {"COUPON_KEYS": given}))
        assert "COUPON_KEYS: key" in message
        assert "can be guessed" in message
        assert key not in message


@pytest.mark.parametrize(
    ("former", "why"),
    [
        ("short", "shorter than 32"),
        (LOCAL_JWT, "everybody can read it"),
        (f"{GOOD},{'x' * 50}", "secret 2 is a pattern"),
        (PRODUCTION["SECRET_KEY"], "the same secret as SECRET_KEY"),
        (f"{GOOD},{GOOD}", "the same secret as SECRET_KEY_FALLBACKS: secret 1"),
        (PRODUCTION["JWT_HS256_SECRET"], "JWT_HS256_SECRET"),
    ],
    ids=["short", "known", "pattern", "the present one", "twice", "another setting's"],
)
def test_13_5_former_secret_keys_are_judged_too(former: str, why: str) -> None:
    message = last_line(load_settings(**PRODUCTION | {"SECRET_KEY_FALLBACKS": former}))
    assert "SECRET_KEY_FALLBACKS" in message
    assert why in message


@pytest.mark.parametrize(
    ("former", "why"),
    [
        ("short", "shorter than 32"),
        (LOCAL_JWT, "everybody can read it"),
        (PRODUCTION["JWT_HS256_SECRET"], "the same secret as JWT_HS256_SECRET"),
        (PRODUCTION["SECRET_KEY"], "SECRET_KEY is the same secret as"),
        (f"{GOOD},{GOOD}", "the same secret as JWT_HS256_PREVIOUS: secret 1"),
    ],
    ids=["short", "known", "the present one", "another setting's", "twice"],
)
def test_former_secrets_of_tokens_are_judged_too(former: str, why: str) -> None:
    message = last_line(load_settings(**PRODUCTION | {"JWT_HS256_PREVIOUS": former}))
    assert "JWT_HS256_PREVIOUS" in message
    assert why in message
    assert GOOD not in message


def test_a_former_secret_of_tokens_is_accepted_beside_the_new_one() -> None:
    assert load_settings(**PRODUCTION | {"JWT_HS256_PREVIOUS": GOOD}).returncode == 0


PUBLIC_KEYS = {
    "PEM": "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYI\n-----END PUBLIC KEY-----",
    "a certificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "SSH2": "---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAAADAQABAAABAQ\n",
    "ssh-rsa": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDf8Q2v shop",
    "ssh-ed25519": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGx2k1 shop",
    "JWK": '{"crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1","kty":"EC"}',
    "JWKS": '{"keys":[{"kty":"RSA","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2a"}]}',
}


@pytest.mark.parametrize("name", ["SECRET_KEY", "JWT_HS256_SECRET", "JWT_HS256_PREVIOUS"])
@pytest.mark.parametrize("value", PUBLIC_KEYS.values(), ids=PUBLIC_KEYS.keys())
def test_a_public_key_is_no_secret_even_on_a_laptop(name: str, value: str) -> None:
    given = json.dumps([value]) if name == "JWT_HS256_PREVIOUS" else value
    for site in ({}, PRODUCTION):
        message = last_line(load_settings(**site | {name: given}))
        assert name in message
        assert "no secret" in message
        assert value[-20:] not in message


def _hash_of(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


RAW = secrets.token_hex(32)
ALIKE: dict[str, dict[str, str]] = {
    "two settings": {"SECRET_KEY": GOOD, "JWT_HS256_SECRET": GOOD},
    "one within the other": {"SECRET_KEY": GOOD, "JWT_HS256_SECRET": f"jwt:{GOOD}"},
    "hexadecimal of the same": {"SECRET_KEY": RAW, "COUPON_KEYS": f"k1:{RAW}"},
    "text of a key": {"SECRET_KEY": GOOD, "COUPON_KEYS": f"k1:{GOOD.encode().hex()}"},
    "hashed, as Ansible makes keys": {"SECRET_KEY": GOOD, "COUPON_KEYS": f"k1:{_hash_of(GOOD)}"},
    "base64 of a key": {
        "SECRET_KEY": base64.b64encode(bytes.fromhex(RAW)).decode(), "COUPON_KEYS": f"k1:{RAW}",
    },
    "base64 for addresses, without its end": {
        "SECRET_KEY": base64.urlsafe_b64encode(GOOD.encode()).decode().rstrip("="),
        "JWT_HS256_SECRET": GOOD,
    },
    "backwards": {"SECRET_KEY": GOOD, "JWT_HS256_SECRET": GOOD[::-1]},
    "backwards, in hexadecimal": {"SECRET_KEY": RAW, "COUPON_KEYS": f"k1:{RAW[::-1]}"},
    "base64 of its text in hexadecimal": {
        "SECRET_KEY": base64.b64encode(RAW.encode()).decode(), "COUPON_KEYS": f"k1:{RAW}",
    },
    "the same with two endings": {
        "SECRET_KEY": f"{GOOD}-session", "JWT_HS256_SECRET": f"{GOOD}-tokens",
    },
    "one character changed": {
        "SECRET_KEY": GOOD, "JWT_HS256_SECRET": f"{GOOD[:30]}#{GOOD[31:]}",
    },
    "in another case": {"SECRET_KEY": GOOD, "JWT_HS256_SECRET": GOOD.upper()},
    "in hexadecimal with colons": {
        "JWT_HS256_SECRET": bytes.fromhex(RAW).hex(":"), "COUPON_KEYS": f"k1:{RAW}",
    },
    "in base32": {
        "JWT_HS256_SECRET": base64.b32encode(bytes.fromhex(RAW)).decode(),
        "COUPON_KEYS": f"k1:{RAW}",
    },
    "its SHA-512": {
        "SECRET_KEY": GOOD, "JWT_HS256_SECRET": hashlib.sha512(GOOD.encode()).hexdigest(),
    },
    "hashed twice": {
        "SECRET_KEY": GOOD,
        "COUPON_KEYS": f"k1:{hashlib.sha256(hashlib.sha256(GOOD.encode()).digest()).hexdigest()}",
    },
    "within another, in base64": {
        "SECRET_KEY": GOOD, "JWT_HS256_SECRET": base64.b64encode(f"jwt:{GOOD}".encode()).decode(),
    },
    "two keys of codes": {"COUPON_KEYS": f"k2:{RAW},k1:{RAW}"},
    "the database's password": {
        "SECRET_KEY": GOOD, "DATABASE_URL": f"mysql://u:{GOOD}@127.0.0.1:1/c",
    },
    "the deciding store's password": {
        "SECRET_KEY": GOOD, "REDIS_URL": f"rediss://:{GOOD}@127.0.0.1:1/0",
    },
    "the broker's password, a key's text": {
        "COUPON_KEYS": f"k1:{RAW}", "CELERY_BROKER_URL": f"rediss://u:{RAW}@127.0.0.1:1/0",
    },
    "a store's password, read before the secret": {
        "JWT_HS256_SECRET": GOOD, "REDIS_URL": f"rediss://u:{GOOD}@127.0.0.1:1/0",
    },
    "Flower's password": {"JWT_HS256_SECRET": GOOD, "FLOWER_LOGIN": f"flower:{GOOD}"},
}  # fmt: skip


@pytest.mark.parametrize("given", ALIKE.values(), ids=ALIKE.keys())
def test_13_5_two_secrets_that_are_alike_stop_the_start(given: dict[str, str]) -> None:
    message = last_line(load_settings(**PRODUCTION | given))
    assert "is the same secret as" in message
    assert GOOD not in message
    assert RAW not in message


def test_random_secrets_of_every_usual_kind_are_accepted() -> None:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    for _ in range(300):
        for value in (
            secrets.token_hex(16), secrets.token_hex(32), secrets.token_urlsafe(32),
            base64.b64encode(secrets.token_bytes(32)).decode(),
            "".join(secrets.choice(letters) for _ in range(48)),
        ):  # fmt: skip
            assert secret_weakness(value.encode()) == ""
        assert secret_weakness(secrets.token_bytes(32)) == ""
    for _ in range(50):
        assert not are_alike(secrets.token_bytes(32), secrets.token_hex(32).encode())
        prefixed = [f"coupon-production-{secrets.token_hex(16)}".encode() for _ in range(2)]
        assert not are_alike(*prefixed)


def test_a_laptop_may_have_what_it_likes() -> None:
    assert load_settings(SECRET_KEY="s" * 60, JWT_HS256_SECRET="s" * 60).returncode == 0


# Every secret that is written in this repository is public

ASSIGNED = re.compile(r"secret|coupon_keys|password|_key$", re.IGNORECASE)
IN_TEXT = re.compile(r"\b(?:SECRET_KEY\w*|JWT_HS256_\w+|COUPON_KEYS)=['\"]?([^\s'\"$({]{32,})")


def _published_texts() -> Iterator[tuple[str, bytes]]:
    files = subprocess.run(
        ["git", "ls-files"], cwd=env.BASE_DIR, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for file in files:
        path = env.BASE_DIR / file
        if path.suffix == ".py":
            yield from ((file, value) for value in _assigned_values(ast.parse(path.read_text())))
        elif path.suffix in {".md", ".sh", ".yml", ".toml", ".example", ".j2"}:
            yield from ((file, text.encode()) for text in IN_TEXT.findall(path.read_text()))


def _assigned_values(tree: ast.Module) -> Iterator[bytes]:
    for node in ast.walk(tree):
        for name, value in _names_and_values(node):
            if ASSIGNED.search(name) and "/" not in name:  # no file's path
                yield from _long_constants(value)


def _names_and_values(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        yield from ((ast.unparse(target), node.value) for target in node.targets)
    elif isinstance(node, ast.keyword):
        yield node.arg or "", node.value
    elif isinstance(node, ast.Call) and "secret" in ast.unparse(node.func):
        yield from (("secret", keyword.value) for keyword in node.keywords)
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        yield from ((ast.unparse(key).strip("'"), value) for key, value in pairs if key)


def _long_constants(value: ast.expr) -> Iterator[bytes]:
    """Constants of the source that are long enough for a secret, also computed ones."""
    with_parts = [value, *(value.elts if isinstance(value, ast.Tuple | ast.List) else ())]
    for part in with_parts:
        try:
            found: Any = eval(ast.unparse(part), {"__builtins__": {"bytes": bytes, "range": range}})
        except Exception:  # not a constant
            continue
        raw = found.encode() if isinstance(found, str) else found
        if isinstance(raw, bytes) and len(raw) >= env.SHORTEST_SECRET and b"\n" not in raw:
            yield raw.partition(b":")[2] or raw  # a key of codes has its id in front


@pytest.mark.slow
def test_13_5_every_secret_in_this_repository_is_refused() -> None:
    found = list(_published_texts())
    assert {"config/settings/coupons.py", "locust/token_pool.py"} <= {file for file, _ in found}
    assert [(file, value) for file, value in found if not secret_weakness(value)] == []
