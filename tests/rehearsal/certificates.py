"""A certificate authority for one rehearsal, in place of Amazon's, which signs for RDS and
ElastiCache.

Certificates have what RFC 5280 requires: from 3.13 on Python refuses others (VERIFY_X509_STRICT).
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
SIGNS_CERTIFICATES = x509.KeyUsage(
    key_cert_sign=True, crl_sign=True, digital_signature=False, content_commitment=False,
    key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
    decipher_only=False,
)  # fmt: skip


class Authority:
    """Its certificate is `file`; it writes NAME.crt and NAME.key into the same folder. With
    `identifiers=False` its certificates lack what only a strict client requires."""

    def __init__(self, folder: Path, *, identifiers: bool = True) -> None:
        folder.mkdir()
        self._identifiers = identifiers
        self.folder, self.file = folder, folder / "authority.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _x509_name("rehearsal authority")
        limits = x509.BasicConstraints(ca=True, path_length=0)
        builder = self._begun(self._name, self._key, days=365).add_extension(limits, critical=True)
        builder = builder.add_extension(SIGNS_CERTIFICATES, critical=True)
        self.file.write_bytes(_pem_bytes(builder.sign(self._key, hashes.SHA256())))

    def sign(self, name: str, *, days: float = 1) -> tuple[Path, Path]:
        """(certificate, key) for a server of that name or address, from yesterday for `days`."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName(_general_names(name))
        begun = self._begun(_x509_name(name[:64]), key, days)
        builder = begun.add_extension(names, critical=False)
        certificate, secret = self.signed(name)
        certificate.write_bytes(_pem_bytes(builder.sign(self._key, hashes.SHA256())))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        secret.chmod(0o600)
        return certificate, secret

    def signed(self, name: str) -> tuple[Path, Path]:
        """Where (certificate, key) of that server are."""
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"

    def _begun(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, days: float
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + days * DAY)
        )
        if not self._identifiers:
            return builder
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return builder.add_extension(own, critical=False).add_extension(issuer, critical=False)


def _general_names(name: str) -> list[x509.GeneralName]:
    """An address twice: MariaDB's client compares it with names only."""
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    with suppress(ValueError):
        names.append(x509.IPAddress(ip_address(name)))
    return names


def _x509_name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem_bytes(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
