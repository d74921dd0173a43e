"""A shop as its own backend would be written: it logs users in, hands them over to the event page,
and redeems their coupons. It imports nothing of this project. SHOP.md beside it explains the steps.

    SHOP_PORT=8084 COUPONS_KEY=cpk_live_… JWT_HS256_SECRET=… python example_shop.py
"""

import hmac
import json
import os
import secrets
import time
import unicodedata
import urllib.error
import urllib.request
import uuid
from html import escape
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import jwt

PORT = int(os.environ.get("SHOP_PORT") or "8084")
PAGES = os.environ.get("COUPONS_PAGES_URL") or "http://127.0.0.1:8083"
API = os.environ.get("COUPONS_API_URL") or "http://127.0.0.1:8080"
MERCHANTS = os.environ.get("COUPONS_MERCHANTS_URL") or "http://127.0.0.1:8082"
CAMPAIGN = os.environ.get("SHOP_CAMPAIGN") or "opening-1"
KEY, TOKEN_SECRET = os.environ["COUPONS_KEY"], os.environ["JWT_HS256_SECRET"]
ISSUER = os.environ.get("JWT_ISSUER") or "https://shop.local"
AUDIENCE = os.environ.get("JWT_AUDIENCE") or "coupons"
MOST_BYTES, MOST_TEXT = 4096, 64  # of a form in bytes, of one field in characters
TOKEN_S = 600  # how long a token is valid
SUBTOTAL = "20000"  # won: every cart of this shop
SESSION_KEY = secrets.token_bytes(32)  # a restart logs everybody out


# The three things that a shop has to do: sign tokens, call the merchants' API, keep a session


def make_token(user: str) -> str:
    """The shop's word for who the user is; the coupon service trusts it until it expires."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "exp": int(time.time()) + TOKEN_S}
    return jwt.encode(claims, TOKEN_SECRET, algorithm="HS256")


def call_merchants(path: str, **body: Any) -> dict[str, Any]:
    """POST to the merchants' API; a refusal has `detail`. Safe to repeat: the same order gets the
    same answer."""
    headers = {"Authorization": f"Api-Key {KEY}", "Content-Type": "application/json"}
    headers |= {"Idempotency-Key": uuid.uuid4().hex, "If-Match": "*"}  # new or changed campaigns
    address, data = f"{MERCHANTS}/api/v1/merchant/{path}", json.dumps(body).encode()
    request = urllib.request.Request(address, data, headers)  # noqa: S310 - the setting's address
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return dict(json.load(answer))
    except urllib.error.HTTPError as refused:
        return dict(json.load(refused))


def plain_text(text: str) -> str:
    """A visitor's text as this shop takes it: one line that can be printed, else empty."""
    stripped = unicodedata.normalize("NFC", text.strip())
    return stripped if stripped.isprintable() and len(stripped) <= MOST_TEXT else ""


def sign_session(user: str) -> str:
    return f"{user.encode().hex()}.{hmac.digest(SESSION_KEY, user.encode(), 'sha256').hex()}"


def read_session(cookies: str) -> str:
    """The user of a session cookie; empty if there is none, or its signature is wrong."""
    morsel = SimpleCookie(cookies).get("shop_session")
    user_hex = morsel.value.partition(".")[0] if morsel else ""
    try:
        user = bytes.fromhex(user_hex).decode()
    except ValueError:
        return ""
    return user if morsel and hmac.compare_digest(morsel.value, sign_session(user)) else ""


# The pages


def show_login(campaign: str) -> str:
    return f"""<h1>Log in</h1><form method="post" action="/login">
<input type="hidden" name="campaign" value="{escape(campaign)}">
<label>Name <input name="name" required maxlength="64" autofocus></label>
<button>Log in</button></form><p>Any name will do: this is an example.</p>"""


def show_home(user: str, campaign: str) -> str:
    """The hand-over: a form posts the token to the event page, so that no address contains it."""
    slug = escape(quote(campaign))
    return f"""<h1>Hello, {escape(user)}</h1>
<form method="post" action="{PAGES}/events/{slug}">
<input type="hidden" name="token" value="{make_token(user)}"><button>Go to the event</button></form>
<p><a href="/own-page?campaign={slug}">The button on the shop's own page</a></p>
<p><a href="/checkout">Check out with a coupon</a></p>
<form method="post" action="/opening"><button class="quiet">Schedule an opening in one minute
</button></form>"""


def show_own_page(user: str, campaign: str) -> str:
    """The embedded button asks this shop's /token for a token whenever it needs one."""
    return f"""<h1>A page of the shop</h1>
<coupon-button campaign="{escape(campaign)}" api="{API}" token-url="/token"></coupon-button>
<script src="{PAGES}/coupon-button.js" defer></script><p><a href="/checkout">Check out</a></p>"""


def show_checkout(code: str = "", answer: str = "") -> str:
    return f"""<h1>Check out</h1><p>Your cart: {SUBTOTAL} won</p>
<form method="post" action="/quote"><label>Coupon <input name="code" value="{escape(code)}"
required maxlength="40" autocomplete="off"></label><button>Apply</button></form>{answer}"""


def show_quote(code: str) -> str:
    quoted = call_merchants("quotes", code=code, subtotal=SUBTOTAL, currency="KRW")
    if not quoted.get("redeemable"):
        why = quoted.get("reasons") or quoted.get("detail") or quoted.get("title")
        return show_checkout(code, f'<p role="alert">{escape(str(why))}</p>')
    order = f"order-{uuid.uuid4().hex[:8]}"
    form = f"""<p>Discount {escape(quoted["discount"])}, to pay {escape(quoted["payable"])} won</p>
<form method="post" action="/pay"><input type="hidden" name="code" value="{escape(code)}">
<input type="hidden" name="order" value="{order}"><button>Pay</button></form>"""
    return show_checkout(code, form)


def show_paid(code: str, order: str) -> str:
    paid = call_merchants(
        "redemptions", code=code, order_ref=order, subtotal=SUBTOTAL, currency="KRW"
    )
    if "redeemed_at" not in paid:
        return show_checkout(code, f'<p role="alert">{escape(str(paid.get("detail")))}</p>')
    return f"""<h1>Thank you</h1><p>Order {escape(order)} is paid: {escape(paid["payable"])} won.
The coupon is redeemed.</p><p><a href="/">Back to the shop</a></p>"""


def open_campaign() -> str:
    """Schedule a campaign of 100 coupons that opens in a minute; returns its slug."""
    opens, slug = time.time() + 60, f"flash-{uuid.uuid4().hex[:6]}"
    form = "%Y-%m-%dT%H:%M:%SZ"
    call_merchants(
        "campaigns", slug=slug, name="Flash sale", stock=100, discount_value="10",
        opens_at=time.strftime(form, time.gmtime(opens)), valid_days=30,
        closes_at=time.strftime(form, time.gmtime(opens + 3600)),
    )  # fmt: skip
    call_merchants(f"campaigns/{slug}/schedule")
    return slug


class Shop(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        user = read_session(self.headers.get("Cookie", ""))
        asked = parse_qs(address.query[:MOST_BYTES], max_num_fields=20).get("campaign", [CAMPAIGN])
        campaign = plain_text(asked[0]) or CAMPAIGN
        if address.path == "/token":  # only for this shop's own pages: there is no CORS header
            token = {"token": make_token(user)} if user else {}
            self._answer(200 if user else 401, json.dumps(token), kind="application/json")
        elif address.path == "/checkout":
            self._show(show_checkout())
        elif address.path not in ("/", "/own-page"):
            self._show("<h1>There is nothing here</h1>", status=404)
        elif not user:
            self._show(show_login(campaign))
        else:
            show = show_home if address.path == "/" else show_own_page
            self._show(show(user, campaign))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        size = min(int(length), MOST_BYTES) if length.isdecimal() and len(length) < 10 else 0
        sent = parse_qs(self.rfile.read(size).decode(errors="replace"), max_num_fields=20)
        form = {name: plain_text(values[0]) for name, values in sent.items()}
        if self.path == "/login" and form.get("name"):
            campaign = quote(form.get("campaign", CAMPAIGN))
            cookie = f"shop_session={sign_session(form['name'])}; HttpOnly; SameSite=Lax; Path=/"
            self._redirect(f"/?campaign={campaign}", cookie)
        elif self.path == "/opening" and read_session(self.headers.get("Cookie", "")):
            self._redirect(f"/?campaign={open_campaign()}")
        elif self.path == "/quote":
            self._show(show_quote(form.get("code", "")))
        elif self.path == "/pay":
            self._show(show_paid(form.get("code", ""), form.get("order", "")))
        else:
            self._redirect("/")

    def _show(self, body: str, status: int = 200) -> None:
        head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>The shop</title>'
        sized = '<meta name="viewport" content="width=device-width, initial-scale=1">'
        self._answer(status, f"{head}{sized}<style>{STYLE}</style><main>{body}</main>")

    def _redirect(self, where: str, cookie: str = "") -> None:
        cookies = {"Set-Cookie": cookie} if cookie else {}
        self._answer(303, "", Location=where, **cookies)

    def _answer(self, status: int, body: str, *, kind: str = "text/html", **headers: str) -> None:
        data = body.encode()
        self.send_response(status)
        own = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(data))}
        for name, value in (own | {"Cache-Control": "no-store"} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """No access log: the terminal of `make run` shows every line."""


STYLE = """:root{color-scheme:light dark;font:1.05rem/1.6 system-ui,sans-serif}
main{max-width:34rem;margin:12vh auto;padding:0 1.25rem}form{margin:1rem 0}
input,button{font:inherit;padding:.6rem .9rem;border-radius:.6rem;border:1px solid #8888}
button{background:#1a56db;color:#fff;border-color:#1a56db;cursor:pointer}
button.quiet{background:none;color:inherit;border-color:#8888}"""

if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", PORT), Shop).serve_forever()
