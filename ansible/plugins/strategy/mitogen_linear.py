"""Ansible's `linear`, with Mitogen as the transport: one interpreter stays on each host.

Mitogen's own file of this name is found by a path into the installation; this one by ansible.cfg.
"""

from __future__ import annotations

import ansible_mitogen.loaders
import ansible_mitogen.strategy

Linear = ansible_mitogen.loaders.strategy_loader.get("linear", class_only=True)


class StrategyModule(ansible_mitogen.strategy.StrategyMixin, Linear):  # type: ignore[misc]
    pass
