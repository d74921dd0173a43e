"""All kinds of resources. A new kind is a class and a line here."""

from __future__ import annotations

from provisioning.resources.alarm import Alarm
from provisioning.resources.balancer import Balancer, TargetGroup
from provisioning.resources.budget import Budget
from provisioning.resources.cache import CacheGroup
from provisioning.resources.cache_groups import CacheParameters, CacheSubnets
from provisioning.resources.cache_node import CacheNode
from provisioning.resources.cache_users import CacheUser, CacheUserGroup
from provisioning.resources.dashboard import Dashboard
from provisioning.resources.database import Database
from provisioning.resources.database_groups import DatabaseParameters, DatabaseSubnets
from provisioning.resources.distribution import Distribution
from provisioning.resources.egress import Address, Nat, S3Endpoint
from provisioning.resources.flow_log import FlowLog
from provisioning.resources.groups import DefaultGroup, Rules, SecurityGroup
from provisioning.resources.identity import Profile, Role
from provisioning.resources.instance import Instance
from provisioning.resources.keypair import KeyPair
from provisioning.resources.kind import Kind
from provisioning.resources.listener import Listener
from provisioning.resources.logs import LogGroup
from provisioning.resources.routes import RouteTable
from provisioning.resources.secret import Secret
from provisioning.resources.topic import Topic
from provisioning.resources.vpc import InternetGateway, Subnet, Vpc

# In the order of creation: a kind may need those above it. Destroying an environment whose spec is
# gone goes through this list backwards.
KINDS: tuple[Kind, ...] = (
    Vpc(), InternetGateway(), Subnet(), Address(), Nat(), RouteTable(), S3Endpoint(),
    SecurityGroup(), DefaultGroup(), Rules(), KeyPair(), Role(), Profile(), Secret(),
    LogGroup(), FlowLog(),
    CacheSubnets(), CacheParameters(), CacheUser(), CacheUserGroup(), CacheNode(), CacheGroup(),
    DatabaseSubnets(), DatabaseParameters(), Database(),
    Instance(), TargetGroup(), Balancer(), Listener(), Distribution(),
    Topic(), Alarm(), Dashboard(), Budget(),
)  # fmt: skip

BY_NAME = {kind.kind: kind for kind in KINDS}
RANK = {kind.kind: rank for rank, kind in enumerate(KINDS)}
