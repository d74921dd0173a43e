"""AWS' errors as botocore raises them: translated, ignored, or asked for their code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from provisioning.errors import AwsRefused
from provisioning.refusals import explain_refusal

LONGEST = 400  # characters of AWS' own message in a sentence of ours


@contextmanager
def translated_errors(doing: str) -> Iterator[None]:
    """Turns boto3's exceptions into AwsRefused, which names what was attempted and what to do."""
    try:
        yield
    except ClientError as client_error:
        error = client_error.response.get("Error", {})
        raise explain_refusal(
            code=error.get("Code", "unknown"),
            message=brief_text(error.get("Message", "")),
            doing=doing,
        ) from client_error
    except ResponseParserError as boto_error:
        raise AwsRefused(
            f"{doing}: the endpoint's response is not one of AWS.",
            todo="Check AWS_ENDPOINT_URL: the server there may not support this call.",
            aws_code=type(boto_error).__name__,
        ) from boto_error
    except BotoCoreError as boto_error:
        raise AwsRefused(
            f"{doing}: {brief_text(str(boto_error))}",
            todo="Check credentials, region, AWS_ENDPOINT_URL and the network, or run doctor.",
            aws_code=type(boto_error).__name__,
        ) from boto_error


def brief_text(text: str) -> str:
    """One line of at most LONGEST characters: a proxy or a broken endpoint may send a page."""
    line = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."


class ignoring:  # noqa: N801 - a context manager, used as `with ignoring("InvalidVpcID.NotFound")`
    """Suppresses the named AWS errors, for what is already gone or already exists."""

    def __init__(self, *codes: str) -> None:
        self.codes = codes

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: object, _: object) -> bool:
        return isinstance(error, ClientError) and error_code(error) in self.codes


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def would_be_allowed(call: Callable[[], object]) -> bool:
    """Whether the credentials may do it, according to a DryRun. Raises any other ClientError."""
    try:
        call()
    except ClientError as error:
        code = error_code(error)
        if code == "DryRunOperation":
            return True
        if code in ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException"):
            return False
        raise
    return True
