"""The second factor of operators: codes by time (TOTP, RFC 6238) of an authenticator app, and ten
recovery codes for the day when it is lost. django-otp keeps both.

A code is good for its half minute and the ones beside it, once. Recovery codes are 80 random bits,
of which only a hash is stored. Attempts are counted by `lockout`, not by django-otp: its waiting
time per device would let whoever knows the password keep the operator out.
"""

import re
import secrets
import time
from base64 import b32encode
from hashlib import sha256
from io import BytesIO

import django_otp
import segno
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

RECOVERY_CODES = 10
_CODE_BYTES = 10  # 80 bits, which no guess finds, and which a plain hash protects
_BY_TIME, _RECOVERY = re.compile(r"\d{6}", re.ASCII), re.compile(r"[A-Z2-7]{16}")
_LONGEST_TYPED = 40


def is_satisfied(request: HttpRequest) -> bool:
    """Whether this session has given a code, or none is asked for."""
    verified = getattr(request.user, "is_verified", None)  # set by django-otp's middleware
    return not settings.OPERATOR_TOTP or bool(verified and verified())


def has_device(user: User) -> bool:
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def enrolled_device(user: User) -> TOTPDevice | None:
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def key_text(device: TOTPDevice) -> str:
    """The key for typing, in groups of four."""
    return _grouped(b32encode(device.bin_key).decode())


def key_picture(device: TOTPDevice) -> bytes:
    """A QR code of the key, as SVG."""
    picture = BytesIO()
    segno.make(device.config_url, error="m", micro=False).save(
        picture, kind="svg", scale=6, border=4, light="#fff", svgclass=None, lineclass=None
    )
    return picture.getvalue()


def create_device(user: User, key: str, typed: str, network: str) -> TOTPDevice | None:
    """Take the key into use if this is a code of it; None: it is not, or there is a device.

    `network`: from where; kept as the device's name, and shown at each login."""
    code = _normalised(typed)
    if not _BY_TIME.fullmatch(code):
        return None
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # one at a time
        if has_device(user):
            return None
        device = TOTPDevice(user=user, name=network, key=key)
        totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
        totp.time = time.time()
        if not totp.verify(int(code), device.tolerance):
            return None
        device.last_t, device.drift = totp.t(), totp.drift
        device.save()
    return device


def make_recovery_codes(user: User) -> list[str]:
    """New codes, in place of earlier ones; they can't be read again."""
    codes = [b32encode(secrets.token_bytes(_CODE_BYTES)).decode() for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        device = StaticDevice.objects.create(user=user, name="recovery codes")
        StaticToken.objects.bulk_create(
            StaticToken(device=device, token=_hash_of(code)) for code in codes
        )
    return [_grouped(code) for code in codes]


def codes_left(user: User) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


def verify_code(user: User, typed: str) -> TOTPDevice | StaticDevice | None:
    """The device that this code is of; the code is used up. None: it is not good, or not any more.

    One at a time for each device: of two requests with one code, one is right."""
    code = _normalised(typed)
    if _BY_TIME.fullmatch(code):
        devices, token = TOTPDevice.objects.filter(user=user, confirmed=True), code
    elif _RECOVERY.fullmatch(code):
        devices, token = StaticDevice.objects.filter(user=user, confirmed=True), _hash_of(code)
    else:
        return None
    for device in devices:
        if django_otp.verify_token(user, device.persistent_id, token):
            return device
    return None


def is_recovery(device: object) -> bool:
    return isinstance(device, StaticDevice)


def remove_devices(user: User) -> None:
    """The operator has to enrol again; sessions that had given a code have not any more."""
    for model in (TOTPDevice, StaticDevice):
        model.objects.filter(user=user).delete()


def _normalised(typed: str) -> str:
    return re.sub(r"[\s-]", "", typed[:_LONGEST_TYPED]).upper()


def _grouped(text: str) -> str:
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _hash_of(code: str) -> str:
    """As long as django-otp's column: 80 bits."""
    return b32encode(sha256(code.encode()).digest()[:_CODE_BYTES]).decode()
