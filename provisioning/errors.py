"""Errors for the operator: a sentence, and what to do about it."""

from __future__ import annotations


class ProvisioningError(Exception):
    """Base: the run can't continue. `todo` is the operator's next step, as a sentence."""

    code = "failed"

    def __init__(self, sentence: str, *, todo: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.sentence} {self.todo}".strip()


class SpecRejected(ProvisioningError):
    """The spec is wrong; the sentence lists every problem with its line."""

    code = "spec_rejected"


class AwsRefused(ProvisioningError):
    """AWS refused a call. `aws_code` is its own error code."""

    code = "aws_refused"

    def __init__(self, sentence: str, *, todo: str = "", aws_code: str = "") -> None:
        super().__init__(sentence, todo=todo)
        self.aws_code = aws_code


class Ambiguous(ProvisioningError):
    """Two resources have one name, or a name is used by a resource that isn't ours."""

    code = "ambiguous"


class Impossible(ProvisioningError):
    """The spec asks for a change that AWS doesn't allow; nothing was changed."""

    code = "impossible"


class Locked(ProvisioningError):
    """Another run holds the environment's lock."""

    code = "locked"


class Declined(ProvisioningError):
    """The operator did not confirm, or there is no terminal to ask at."""

    code = "declined"


class Incomplete(ProvisioningError):
    """Some steps failed, or AWS did not finish in time; what is done is kept by the next apply."""

    code = "incomplete"
