"""doctor: checks whether this environment can be created with these credentials. Read-only."""

from __future__ import annotations

import shutil

from provisioning.doctor.examination import examine_account
from provisioning.doctor.finding import BAD, OK, UNKNOWN, Finding, judged_finding
from provisioning.doctor.permissions import permission_policy
from provisioning.quantities import counted_noun
from provisioning.resources.keypair import key_file
from provisioning.run import Run


def doctor(run: Run) -> int:
    """Returns 0 if nothing is bad, else 1. Unknown results are reported and don't count as bad."""
    findings = (_ssh(), _key(run), *examine_account(run.spec, run.cloud))
    rows = [(finding.verdict, finding.what, finding.told) for finding in findings]
    run.show.table("Doctor", ("verdict", "what", "told"), rows)
    run.show.answer({"findings": [vars(finding) for finding in findings]})
    bad = sum(finding.verdict == BAD for finding in findings)
    unknown = [finding.what for finding in findings if finding.verdict == UNKNOWN]
    run.show.say(
        f"{counted_noun(len(findings), 'check')}: {bad} bad, {len(unknown)} couldn't be found out"
        + (f" ({', '.join(unknown)}): apply will." if unknown else ".")
    )
    return 1 if bad else 0


def show_policy(run: Run, *, account: str) -> int:
    """Prints the IAM policy that these verbs need, for the account's administrator. No AWS
    calls."""
    run.show.document(permission_policy(run.spec, account))
    return 0


def _ssh() -> Finding:
    is_installed = all(shutil.which(program) for program in ("ssh", "ssh-keygen"))
    return Finding(
        judged_finding(is_installed), "OpenSSH client", "found" if is_installed else "install it"
    )


def _key(run: Run) -> Finding:
    private = key_file(run.spec.key.name)
    if not private.exists():
        return Finding(OK, "private key", f"{private} will be made")
    is_private = private.stat().st_mode & 0o077 == 0
    return Finding(
        judged_finding(is_private),
        "private key",
        f"{private}" + ("" if is_private else ": chmod 600 it"),
    )
