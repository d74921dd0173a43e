"""Failures an operator can act on: a sentence, and what to do about it."""

from __future__ import annotations


class ProvisioningError(Exception):
    """Something stopped the run. `todo` is the operator's next step, in a sentence."""

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
    """AWS said no. `aws_code` is its own error code."""

    code = "aws_refused"

    def __init__(self, sentence: str, *, todo: str = "", aws_code: str = "") -> None:
        super().__init__(sentence, todo=todo)
        self.aws_code = aws_code


class Ambiguous(ProvisioningError):
    """Two resources answer to one name, or a name is taken by something that isn't ours."""

    code = "ambiguous"


class Locked(ProvisioningError):
    """Another run holds the environment's lock."""

    code = "locked"


class Declined(ProvisioningError):
    """The operator said no, or nobody could be asked."""

    code = "declined"


class Incomplete(ProvisioningError):
    """Some steps failed; the others are done and will be kept by the next apply."""

    code = "incomplete"
