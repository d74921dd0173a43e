"""doctor: checks whether this environment can be created with these credentials. Read-only."""

from __future__ import annotations

import shutil

from provisioning.doctor.examination import examine_account
from provisioning.doctor.finding import BAD, OK, UNKNOWN, Finding, judged_finding
from provisioning.doctor.permissions import permission_policy
from provisioning.resources.keypair import key_file
from provisioning.run import Run


def doctor(run: Run) -> int:
    """Returns 0 if nothing is bad, else 1. Unknown results are reported and don't count as bad."""
    findings = (_ssh(), _key(run), *examine_account(run.spec, run.cloud))
    rows = [(one.verdict, one.what, one.told) for one in findings]
    run.show.table("Doctor", ("verdict", "what", "told"), rows)
    run.show.answer({"findings": [vars(one) for one in findings]})
    bad = sum(one.verdict == BAD for one in findings)
    unknown = [one.what for one in findings if one.verdict == UNKNOWN]
    run.show.say(
        f"{len(findings)} checks: {bad} bad, {len(unknown)} couldn't be found out"
        + (f" ({', '.join(unknown)}): apply will." if unknown else ".")
    )
    return 1 if bad else 0


def show_policy(run: Run, *, account: str) -> int:
    """Prints the IAM policy that these verbs need, for the account's administrator. No AWS
    calls."""
    run.show.document(permission_policy(run.spec, account))
    return 0


def _ssh() -> Finding:
    there = all(shutil.which(program) for program in ("ssh", "ssh-keygen"))
    return Finding(judged_finding(there), "OpenSSH client", "found" if there else "install it")


def _key(run: Run) -> Finding:
    private = key_file(run.spec.key.name)
    if not private.exists():
        return Finding(OK, "private key", f"{private} will be made")
    safe = private.stat().st_mode & 0o077 == 0
    return Finding(
        judged_finding(safe), "private key", f"{private}" + ("" if safe else ": chmod 600 it")
    )
