"""The text above the operations: what this is, how to get a token, how to read an answer."""

INTRODUCTION = """
First come, first served: exactly N coupons, no user twice, every admission is stored.

### Users: how to get a token

Your own backend makes it when a user has logged in: a JWT, which the browser or the app sends with
each request as `Authorization: Bearer TOKEN`. We hold no accounts, and set no cookies.

| claim | what it must be |
|---|---|
| `iss` | your issuer, as agreed (`JWT_ISSUER`) |
| `aud` | `coupons`, or as agreed (`JWT_AUDIENCE`) |
| `sub` | the user, 1 to 128 bytes: one person, one `sub`, for ever |
| `exp` | when it ends; a few minutes are enough |
| `segments` | optional: a list of names; some campaigns admit only users with a certain one |

Signed with RS256 or ES256 (we read your public keys), or HS256 (a shared secret of 32 bytes or
more).

**Handing it to the event page** (`/events/{campaign}`): post it as the form field `token`, or put
it into the fragment, `#token=…`. Never into a query: addresses are logged.

### Merchants: keys

`Authorization: Api-Key KEY`, for backends only. Each key has scopes; an `Idempotency-Key` makes a
repeated request safe.

### Answers

JSON. A problem is `application/problem+json` (RFC 9457): write programs against `code`, which
stays; `title` and `detail` are for people, and follow `Accept-Language` (en, ko). Each status below
lists its codes, what causes them, and what a client should do. `Retry-After` is in seconds. Moments
are UTC to the millisecond, by the clock of the store that decides.
""".strip()
