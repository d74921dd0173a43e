"""The schema of an environment's TOML file. Every default is the safe choice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Environment:
    name: str
    project: str
    region: str
    operator: tuple[str, ...] = ()  # addresses that may reach ssh; never guessed


@dataclass(frozen=True, kw_only=True)
class Subnet:
    name: str
    cidr: str
    zone: str  # the zone's letter: "a" in ap-northeast-2 is ap-northeast-2a
    tier: str  # public | private | db
    route_table: str


@dataclass(frozen=True, kw_only=True)
class Network:
    vpc: str
    cidr: str
    internet_gateway: str
    subnets: tuple[Subnet, ...]
    nat: str = "none"  # none | one | per-zone
    s3_endpoint: bool = False  # a gateway endpoint: free, and saves the NAT's price per GB


@dataclass(frozen=True, kw_only=True)
class Firewall:
    style: str = (
        "roles"  # roles: a group per role | default: the VPC's default group, as in the write-up
    )


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    name: str


@dataclass(frozen=True, kw_only=True)
class Image:
    release: str = "24.04"  # Ubuntu's, newest build at launch
    ami: str = ""  # a fixed image instead


@dataclass(frozen=True, kw_only=True)
class Hosts:
    name: str
    role: str  # api | consumer | bastion | monitor
    type: str
    tier: str
    count: int = 1
    public_ip: bool = False
    disk_gb: int = 20
    profile: bool = True  # an instance profile with the role's own rights
    protected: bool = True  # termination protection
    detailed_monitoring: bool = False  # EC2's own figures every minute, not every five


@dataclass(frozen=True, kw_only=True)
class Cache:
    name: str
    purpose: tuple[str, ...]  # decisions | broker: what it is used for in the inventory
    subnet_group: str
    tiers: tuple[str, ...]
    type: str
    port: int = 6379
    engine: str = "valkey"
    version: str = "8.0"
    replicas: int = 1
    managed_group: bool = True  # a replication group; False: one plain node, as in the write-up
    noeviction: bool = True
    durability: str = "none"  # AWS' sync and async are refused: rules_stores.py says why
    encrypted: bool = True  # at rest, in transit, and with passwords: see access
    access: str = ""  # users | both | token: README.md; left out: users, if encrypted
    snapshot_days: int = 1

    @property
    def has_users(self) -> bool:
        """Whether each kind of host has a user with rights of its own."""
        return self.encrypted and self.access != "token"

    @property
    def keeps_token(self) -> bool:
        """Whether hosts that have the token alone are let in, too, while they move to users."""
        return self.encrypted and self.access == "both"


@dataclass(frozen=True, kw_only=True)
class Database:
    name: str
    subnet_group: str
    tiers: tuple[str, ...]
    type: str
    version: str = "8.4"
    port: int = 3306
    schema: str = "coupons"
    user: str = "coupons_admin"
    storage_gb: int = 20
    max_storage_gb: int = 200  # it grows by itself up to this; 0: it doesn't
    multi_az: bool = True
    encrypted: bool = True
    require_tls: bool = True
    public: bool = False
    backup_days: int = 7
    protected: bool = True
    insights: bool = True


@dataclass(frozen=True, kw_only=True)
class Balancer:
    name: str
    certificate_arn: str = ""
    hostnames: tuple[str, ...] = ()  # under which users call it, as its certificate says
    plain_http: str = ""  # must be PLAIN_HTTP's words if there is no certificate
    health_path: str = "/readyz"
    protected: bool = True
    merchants_port: int = (
        0  # where shops' backends call the merchants' door; 0: inside the VPC only
    )
    merchants_from: tuple[str, ...] = ()  # networks that may; empty: anybody, with a key


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A CloudFront distribution in front of the load balancer."""

    name: str
    certificate_arn: str  # of us-east-1, for the balancer's hostnames
    price_class: str = "PriceClass_200"  # with Asia; _100 is without, _All is everywhere


@dataclass(frozen=True, kw_only=True)
class Secret:
    name: str
    length: int = 48


@dataclass(frozen=True, kw_only=True)
class Watch:
    alarms: bool = True
    dashboard: bool = True
    log_days: int = 30
    flow_logs: bool = True  # the VPC's refused connections
    emails: tuple[str, ...] = ()  # addresses that get the alarms, after they have confirmed
    notify_topic: str = ""  # or the ARN of an SNS topic of your own


@dataclass(frozen=True, kw_only=True)
class Budget:
    monthly_usd: int
    email: str = ""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """When AWS may back up and maintain the stores, in UTC. Seoul is nine hours ahead: these are
    its nights, from three to half past five."""

    backup: str = "18:00-19:00"  # every day: snapshots of MySQL and Redis
    maintenance: str = "mon:19:30-mon:20:30"  # every week; Tuesday in Seoul
    openings: str = "00:00-15:00"  # when campaigns open: no window may reach into it


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Timeout and polling of AWS. A database takes 5 to 20 minutes, a large one longer."""

    poll_seconds: float = 10
    minutes: float = 40


@dataclass(frozen=True, kw_only=True)
class Spec:
    environment: Environment
    network: Network
    firewall: Firewall = Firewall()
    key: KeyPair
    image: Image = Image()
    hosts: tuple[Hosts, ...]
    caches: tuple[Cache, ...]
    database: Database
    balancer: Balancer | None = None
    edge: Edge | None = None
    secrets: tuple[Secret, ...] = ()
    watch: Watch | None = None
    budget: Budget | None = None
    windows: Windows = Windows()
    waiting: Waiting = Waiting()

    @property
    def prefix(self) -> str:
        """The prefix of account-wide names, so that two environments never share one."""
        return f"{self.environment.project}-{self.environment.name}"

    @property
    def path(self) -> str:
        """The path of the environment's parameters in SSM."""
        return f"/{self.environment.project}/{self.environment.name}"

    def tier(self, *tiers: str) -> tuple[Subnet, ...]:
        return tuple(subnet for subnet in self.network.subnets if subnet.tier in tiers)

    def role(self, role: str) -> tuple[Hosts, ...]:
        return tuple(hosts for hosts in self.hosts if hosts.role == role)
