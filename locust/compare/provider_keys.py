"""The keys of an identity provider, for a comparison with tokens that it would issue."""

import json
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

KEY_ID = "provider-1"


def make_keys(folder: Path, algorithm: str) -> dict[str, str]:
    """Make a key pair (`RS256`, `ES256`). The settings by which Locust signs and all designs
    verify."""
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if algorithm == "RS256":
        private = rsa.generate_private_key(65537, 2048)
        public = jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    else:
        private = ec.generate_private_key(ec.SECP256R1())
        public = jwt.algorithms.ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    public |= {"kid": KEY_ID, "use": "sig", "alg": algorithm}
    (folder / "jwks.json").write_text(json.dumps({"keys": [public]}))
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "provider-key").write_bytes(pem)
    return {
        "JWT_JWKS_FILE": str(folder / "jwks.json"),
        "JWT_SIGNING_KEY_FILE": str(folder / "provider-key"),
        "JWT_SIGNING_KEY_ID": KEY_ID,
    }
