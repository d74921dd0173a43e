"""The rehearsal's certificates are such as a strict client accepts."""

import subprocess
from pathlib import Path

from tests.rehearsal.certificates import Authority


def test_15_1_a_python_of_3_13_accepts_them(tmp_path: Path) -> None:
    """Its `ssl.create_default_context` verifies as strictly as this option."""
    authority = Authority(tmp_path / "authority")
    certificate, _ = authority.sign("db.example")
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-verify_hostname", "db.example",
         "-CAfile", str(authority.file), str(certificate)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
