"""Every decoder of what strangers, stores and files give us, with good inputs and its refusals."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from types import SimpleNamespace
from typing import Any

from kombu.utils.json import loads as kombu_loads

from config import store_urls
from config.cross_origin import origin_complaint
from config.worker.transport import UNREADABLE, shape_fault
from coupons.api.accept_language import preferred_language
from coupons.api.pagination import Page
from coupons.audit.client_address import UNKNOWN, client_network
from coupons.bulk import reading
from coupons.bulk.reading import ByteStream, Format
from coupons.campaigns import announced
from coupons.campaigns.definition import DRAFT_FIELDS
from coupons.claims import campaign_keys, coupon_codes, receipt_tokens, typed_fields
from coupons.claims.base64url import decode_segment
from coupons.claims.stranger_json import json_from_stranger
from coupons.claims.stranger_text import OddValue, text_from_stranger, whole_from_stranger
from coupons.errors import BadFields, BadInput, BadToken
from coupons.identity import user_tokens
from coupons.issuing import queue
from coupons.observability import request_id
from coupons.store import claimant_field
from coupons.store.queue import Entry
from coupons.webhooks import addresses, sender
from provisioning.errors import SpecRejected
from provisioning.spec.load import ENVIRONMENTS, parse_spec

KEY = campaign_keys.campaign_key("k1", b"1" * 32, "sale")
RULES = addresses.SendingRules()
DEFINITION = json.dumps({
    "slug": "sale", "name": "한글 Sale", "stock": 10, "opens_at": "2026-12-01T09:00:00+09:00",
    "closes_at": "2026-12-07", "discount_value": "19.90", "zone": "Asia/Seoul", "valid_days": 30,
    "is_listed": True, "discount_cap": None,
}).encode()  # fmt: skip
MESSAGE = json.dumps({
    "body": "W10=", "content-encoding": "utf-8", "content-type": "application/json",
    "headers": {"task": "coupons.drain", "id": "a", "retries": 0, "timelimit": [None, None]},
    "properties": {"delivery_tag": "b", "delivery_info": {"exchange": "", "routing_key": "celery"},
                   "body_encoding": "base64", "priority": 0},
}).encode()  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decoder:
    """`read`: returns a falsy value or raises one of `refusals` for what it does not accept.
    `seeds`: inputs that it accepts, or nearly."""

    name: str
    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    refusals: tuple[type[BaseException], ...] = ()


def text_of(data: bytes) -> str:
    """As a header arrives, or as JSON and addresses do; halves of surrogate pairs included."""
    return data.decode("latin-1") if data[:1] < b"a" else data.decode(errors="surrogateescape")


def _tokens() -> tuple[bytes, ...]:
    token = user_tokens.mint_token("jun", segments=("vip",), lifetime_s=86_400).encode()
    return token, token.replace(b".", b"..", 1), b"a.b.c"


def _receipts() -> tuple[bytes, ...]:
    receipt = receipt_tokens.sign_receipt(KEY, "sale", "jun", 1, 7, 1_700_000_000_000).encode()
    head, payload, signature = receipt.split(b".")
    odd = urlsafe_b64encode(b'{"campaign":"sale","sub":"jun","nth":18446744073709551616}')
    return receipt, b".".join((head, odd.rstrip(b"="), signature)), payload


def _read_receipt(data: bytes) -> object:
    text = text_of(data)
    return receipt_tokens.parse_receipt(text) and receipt_tokens.read_receipt(KEY, text)


def _read_lines(kind: Format, fields: frozenset[str]) -> Callable[[bytes], object]:
    return lambda data: list(reading.read_records(ByteStream(BytesIO(data).read), kind, fields))


def _read_cursor(data: bytes) -> object:
    request: Any = SimpleNamespace(query_params={"cursor": text_of(data)})
    return Page().decode_cursor(request)


def _read_entry(data: bytes) -> object:
    parts = (data.split(b"|") + [b""] * 5)[:5]
    return queue.claim_of(
        Entry("1-0", dict(zip((b"u", b"n", b"p", b"t", b"r"), parts, strict=True)))
    )


def _read_message(data: bytes) -> object:
    return not shape_fault(kombu_loads(data))  # type: ignore[no-untyped-call]


def _read_address(data: bytes) -> object:
    request: Any = SimpleNamespace(
        META={"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": text_of(data)}
    )
    return client_network(request) not in (UNKNOWN, "127.0.0.1")


def _read_definition(data: bytes) -> object:
    return typed_fields.read_object(json_from_stranger(data), DRAFT_FIELDS)


def _read_spec(data: bytes) -> object:
    text, operator = data.decode(errors="replace"), ("203.0.113.7/32",)
    return parse_spec(text, file="drawn.toml", operator=operator)


def _whole(data: bytes) -> object:
    return whole_from_stranger(text_of(data), low=1, high=200)


SPECS = tuple(file.read_bytes() for file in sorted(ENVIRONMENTS.glob("*.toml")))

DECODERS: tuple[Decoder, ...] = (
    Decoder("token", lambda data: user_tokens.verify_token(text_of(data)), _tokens(), (BadToken,)),
    Decoder("receipt", _read_receipt, _receipts()),
    Decoder("code", lambda data: coupon_codes.normalise_code(text_of(data)),
            (b"7K2M-9QXT-4B8N-W3R4", coupon_codes.coupon_code(KEY, "jun", 1, 7).encode())),
    Decoder("cursor of the list", lambda data: announced._read_cursor(text_of(data)),
            (b"a0-1700000000000-7", b"b1-5-5"), (BadInput,)),
    Decoder("cursor of coupons", _read_cursor, (b"cD03", b"cj0xJnA9Nw==", b"bz0x"), (BadInput,)),
    Decoder("number in an address", _whole, (b"1", b"200", b"0001"), (OddValue,)),
    Decoder("text", lambda data: text_from_stranger(text_of(data), most=200),
            ("한글 e\u0301".encode(), b"Books"), (OddValue,)),
    Decoder("JSON", json_from_stranger, (DEFINITION, b'{"nth": 1}', MESSAGE), (OddValue,)),
    Decoder("definition", _read_definition, (DEFINITION,), (OddValue, BadInput, BadFields)),
    Decoder("stream entry", _read_entry, (b"jun|1|7|1700000000000|abc-1", b"\xff|1|1|1|")),
    Decoder("user in Redis", lambda data: claimant_field.decode_field(data, 2),
            (b"1:jun", claimant_field.encode_field("a" * 36, 2, 2)),
            (ValueError,)),
    Decoder("Celery message", _read_message, (MESSAGE,), UNREADABLE),
    Decoder("CSV", _read_lines(Format.CSV, reading.GRANT_FIELDS),
            (b"user,nth\nann,1\nbob,2\n", b'\xef\xbb\xbfuser\r\n"a,b"\r\n'), (BadInput,)),
    Decoder("JSON lines", _read_lines(Format.JSON_LINES, reading.REVOCATION_FIELDS),
            (b'{"user":"ann","nth":1}\n{"code":"7K2M9QXT4B8NW3R4"}\n',), (BadInput,)),
    Decoder("webhook address", lambda data: addresses.parse_target(text_of(data), RULES),
            (b"https://shop.example/hook?a=1", b"https://[2606:4700::1]:8443/", b"https://1.1.1.1/"),
            (addresses.AddressRefused,)),
    Decoder("webhook answer", lambda data: sender._retry_after(text_of(data)),
            (b"120", b"Wed, 21 Oct 2099 07:28:00 GMT", b"Fri, 31 Dec 9999 23:59:59 -2359")),
    Decoder("Accept-Language",
            lambda data: preferred_language(text_of(data), ("en", "ko")) == "ko",
            (b"ko-KR,ko;q=0.9,en;q=0.8", b"*;q=0")),
    Decoder("X-Forwarded-For", _read_address, (b"198.51.100.7, 10.0.0.1", b"[2001:db8::1]:80")),
    Decoder("X-Request-Id", lambda data: request_id.begin_request(text_of(data)) == text_of(data),
            (b"shop-7.A_b", b"put-back")),
    Decoder("Origin of a setting", lambda data: not origin_complaint(text_of(data)),
            (b"https://shop.example:8443", b"http://[::1]:80")),
    Decoder("store URL of a setting",
            lambda data: not store_urls.url_complaint("REDIS_URL", text_of(data)),
            (b"rediss://coupons:secret@10.0.0.5:6379/0?ssl_cert_reqs=required",)),
    Decoder("base64url", decode_segment, (b"eyJhIjoxfQ", b"_-8")),
    Decoder("TOML spec", _read_spec, SPECS, (SpecRejected,)),
)  # fmt: skip
