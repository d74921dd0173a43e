"""What CloudFront refuses and moto doesn't: deleting a distribution that is enabled, a change of a
version that is not the newest, two distributions with one name."""

from __future__ import annotations

from typing import Any

from moto.cloudfront.exceptions import CloudFrontException
from moto.cloudfront.models import CloudFrontBackend, DistributionConfig, random_id

LONGEST_COMMENT = 128


def _refusal(code: str, message: str) -> CloudFrontException:
    return CloudFrontException(code, message)


def install_edge_refusals() -> None:
    create = CloudFrontBackend.create_distribution_with_tags
    update, delete = CloudFrontBackend.update_distribution, CloudFrontBackend.delete_distribution

    def create_distribution_with_tags(self: Any, distribution_config: Any, tags: Any) -> Any:
        if len(distribution_config["Comment"]) > LONGEST_COMMENT:
            raise _refusal("InvalidArgument", "The name in Comment is longer than 128 characters.")
        _refuse_taken_names(self, distribution_config, "")
        return create(self, distribution_config, tags)

    def update_distribution(self: Any, dist_config: Any, _id: str, if_match: Any) -> Any:
        _demand_newest(self, _id, if_match)
        _refuse_taken_names(self, dist_config, _id)
        done = update(self, dist_config, _id, if_match)
        self.distributions[_id].etag = random_id()
        self.distributions[_id]._status = "InProgress"
        return done

    def delete_distribution(self: Any, distribution_id: str, if_match: Any) -> None:
        _demand_newest(self, distribution_id, if_match)
        found = self.distributions.get(distribution_id)
        if found and found.distribution_config.Enabled:
            raise _refusal("DistributionNotDisabled", "The distribution is not disabled.")
        delete(self, distribution_id, if_match)

    CloudFrontBackend.create_distribution_with_tags = create_distribution_with_tags  # type: ignore[method-assign]
    CloudFrontBackend.update_distribution = update_distribution  # type: ignore[method-assign]
    CloudFrontBackend.delete_distribution = delete_distribution  # type: ignore[method-assign]


def _demand_newest(backend: Any, id: str, version: Any) -> None:
    found = backend.distributions.get(id)
    if found and version != found.etag:
        raise _refusal("PreconditionFailed", "The version is not the newest.")


def _refuse_taken_names(backend: Any, config: Any, own_id: str) -> None:
    asked = set(_names(config))
    for id, other in backend.distributions.items():
        taken: DistributionConfig = other.distribution_config
        if id != own_id and asked & set(_names(taken.__dict__)):
            raise _refusal("CNAMEAlreadyExists", "One of the names is another distribution's.")


def _names(config: Any) -> list[str]:
    return list((config.get("Aliases") or {}).get("Items") or [])
