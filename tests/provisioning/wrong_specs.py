"""Specs with one mistake each, and what is said of it."""

from __future__ import annotations

from provisioning.spec.load import ENVIRONMENTS


def spec_text(name: str) -> str:
    return (ENVIRONMENTS / f"{name}.toml").read_text(encoding="utf-8")


def changed_spec(name: str, old: str, new: str, count: int = 1) -> str:
    found = spec_text(name)
    assert old in found, f"{old!r} isn't in {name}.toml"
    return found.replace(old, new, count)


ARN = "arn:aws:acm:ap-northeast-2:123456789012:certificate/1"
EDGE_ARN = "arn:aws:acm:us-east-1:123456789012:certificate/2"
BALANCER = 'certificate_arn = ""'


def with_windows(line: str, complaint: str) -> tuple[str, str, str, str]:
    return "production", "[watch]", f"[windows]\n{line}\n\n[watch]", complaint


REJECTED = {
    "overlapping subnets": (
        "hello", 'cidr = "10.0.1.0/24"', 'cidr = "10.0.0.128/25"', "overlaps 10.0.0.0/24"),
    "a subnet outside the VPC": (
        "hello", 'cidr = "10.0.1.0/24"', 'cidr = "10.1.1.0/24"', "lies outside the VPC's"),
    "host bits in a CIDR": ("hello", 'cidr = "10.0.1.0/24"', 'cidr = "10.0.1.7/24"', "no IPv4"),
    "a too small subnet": ("hello", 'cidr = "10.0.1.0/24"', 'cidr = "10.0.1.0/30"', "/28"),
    "a public VPC range": ("hello", 'cidr = "10.0.0.0/16"', 'cidr = "8.8.0.0/16"', "public addr"),
    "a one-zone database": (
        "hello", 'zone = "c"  # another', 'zone = "a"  # another', "RDS needs subnets in two"),
    "an unknown tier": ("hello", 'tier = "db"', 'tier = "attic"', "'attic' is none of"),
    "a zone that is no letter": ("hello", 'zone = "a"', 'zone = "ap-x"', "must be a zone's letter"),
    "an unknown host size": ("hello", '"t2.medium"', '"t2.humongous"', "unknown size"),
    "an unknown cache size": ("hello", '"cache.t3.micro"', '"cache.t0.micro"', "unknown size"),
    "an unknown database size": ("hello", '"db.t4g.micro"', '"db.micro"', "unknown size"),
    "a cache port below 1024": ("hello", "port = 6380", "port = 80", "1024 to 65535"),
    "a cache port of our own": ("hello", "port = 6380", "port = 8080", "own services"),
    "a port too high": ("hello", "port = 6380", "port = 70000", "1024 to 65535"),
    "two hosts of one name": (
        "hello", 'name = "coupon-consumer"', 'name = "coupon-api"', "names two hosts"),
    "a counted host's name clash": (
        "production", 'name = "coupon-monitor"', 'name = "coupon-api-1"', "also another's name"),
    "two subnets of one name": (
        "hello", 'name = "hello-db-subnet"', 'name = "hello-private-subnet"', "names two subnets"),
    "a name AWS refuses": ("hello", 'vpc = "hello-vpc"', 'vpc = "hello_vpc!"', "single hyphens"),
    "an upper-case database": (
        "hello", 'name = "coupon-db"', 'name = "Coupon-DB"', "AWS lowers the names of stores"),
    "an upper-case environment": ("hello", 'name = "hello"', 'name = "Hello"', "lower case"),
    "a region that isn't": ("hello", '"ap-northeast-2"', '"seoul"', "no region's name"),
    "an edge before no certificate": (
        "production", "[watch]", f"[edge]\nname = 'e'\ncertificate_arn = '{EDGE_ARN}'\n\n[watch]",
        "needs a balancer with a certificate and hostnames"),
    "an edge with a certificate of another region": (
        "production", "[watch]", f"[edge]\nname = 'e'\ncertificate_arn = '{ARN}'\n\n[watch]",
        "is no certificate of us-east-1"),
    "an edge of an unknown price": (
        "production", "[watch]",
        f"[edge]\nname = 'e'\ncertificate_arn = '{EDGE_ARN}'\nprice_class = 'best'\n\n[watch]",
        "is none of PriceClass_100"),
    "a merchants' port that the balancer uses": (
        "production", BALANCER, f"{BALANCER}\nmerchants_port = 443", "port must be 1024 to 65535"),
    "merchants' networks without a port": (
        "production", BALANCER, f'{BALANCER}\nmerchants_from = ["198.51.100.0/24"]',
        "needs a merchants_port"),
    "a merchants' network that is none": (
        "production", BALANCER,
        f'{BALANCER}\nmerchants_port = 8443\nmerchants_from = ["shop.example"]',
        "is no IPv4 network"),
    "a public database": (
        "hello", "multi_az = false", "multi_az = false\npublic = true", "never reachable"),
    "a store in a public subnet": (
        "hello", 'tiers = ["private"]', 'tiers = ["public"]', "must not be in a public"),
    "an unknown MySQL": ("hello", '"8.0.35"', '"5.7"', "no MySQL 8.0 or 8.4 version"),
    "a schema that is no word": (
        "hello", "insights = false", 'insights = false\nschema = "coupon-db"', "must be letters"),
    "a schema that MySQL reserves": (
        "hello", "insights = false", 'insights = false\nschema = "groups"', "reserved word"),
    "an unknown Valkey": ("production", "snapshot_days = 3", 'version = "8.9"', "no valkey rel"),
    "an unknown Ubuntu": ("hello", "[key]", '[image]\nrelease = "22.10"\n\n[key]', "none of 24"),
    "insights on a micro": ("hello", "insights = false", "insights = true", "too small"),
    "valkey on a plain node": ("hello", 'engine = "redis"', 'engine = "valkey"', "managed_group"),
    "encryption on a plain node": ("hello", "encrypted = false", "encrypted = true", "need m"),
    "a broker nobody serves": (
        "hello", '["decisions", "broker"]', '["decisions"]', "must serve 'broker', 0 do"),
    "an evicting store": (
        "production", "snapshot_days = 3", "snapshot_days = 3\nnoeviction = false", "throws"),
    "a durable store": (
        "production", "snapshot_days = 3", 'snapshot_days = 3\ndurability = "sync"',
        "does not support yet"),
    "a durability AWS doesn't have": (
        "production", "snapshot_days = 3", 'snapshot_days = 3\ndurability = "often"', "not none"),
    "an app host in a public subnet": (
        "production", 'tier = "private"\ncount = 2', 'tier = "public"\ncount = 2\npublic_ip = true',
        "belong in a private subnet"),
    "a host among the stores": (
        "production", 'tier = "private"\ncount = 2', 'tier = "db"\ncount = 2', "db subnets are"),
    "a NAT without a public subnet": (
        "production", 'zone = "c"\ntier = "public"', 'zone = "a"\ntier = "public"', "for its NAT"),
    "one table for two zones' NATs": (
        "production", '"coupon-app-c-rt"', '"coupon-app-a-rt"', "one route table per zone"),
    "a table for two tiers": (
        "production", '"coupon-db-rt"', '"coupon-public-rt"', "different tiers"),
    "a certificate that isn't": (
        "production", 'certificate_arn = ""', 'certificate_arn = "cert"', "is no ARN"),
    "a balancer without a certificate": (
        "production", "log_days = 30", "log_days = 30 # as it is", "plain_http = 'for trying out'"),
    "plain HTTP in other words": (
        "production", 'certificate_arn = ""', 'certificate_arn = ""\nplain_http = "yes"',
        "either left out or"),
    "plain HTTP beside a certificate": (
        "production", 'certificate_arn = ""',
        f'certificate_arn = "{ARN}"\nplain_http = "for trying out"', "remove one of them"),
    "a name of users that is an address": (
        "production", "hostnames = []", 'hostnames = ["https://shop.kr/"]', "is no host name"),
    "odd log days": ("production", "log_days = 30", "log_days = 31", "one of 1, 3"),
    "an address that is no mail's": (
        "production", "emails = []", 'emails = ["ops"]', "is no e-mail address"),
    "two ways to tell of alarms": (
        "production", "emails = []", 'emails = ["a@b.example"]\nnotify_topic = "arn:aws:sns:x:1:t"',
        "alarms tell one topic"),
    "a topic that is no ARN": (
        "production", "emails = []", 'notify_topic = "ops"', "is no ARN"),
    "a budget told to nobody's address": (
        "production", 'email = ""', 'email = "ops"', "is no e-mail address"),
    "no budget": ("production", "monthly_usd = 1500", "monthly_usd = 0", "at least 1"),
    "a short secret": (
        "production", 'name = "flower-password"', 'name = "flower-password"\nlength = 8',
        "32 to 128"),
    "readers of a secret, which nothing used": (
        "production", 'name = "flower-password"', 'name = "flower-password"\nreaders = ["api"]',
        "readers"),
    "a misspelt key": ("hello", "[firewall]\nstyle", "[firewall]\nstile", "did you mean style?"),
    "a missing key": ("hello", 'name = "helloAWS"', "", "is missing"),
    "a wrong type": ("hello", "port = 6380", 'port = "6380"', "must be a whole number"),
    "true for a number": ("hello", "port = 6380", "port = true", "must be a whole number"),
    "text for a list": ("hello", 'tiers = ["private"]', 'tiers = "private"', "must be a list"),
    "a thousand hosts": ("production", "count = 2", "count = 1000", "must be 1 to 50"),
    "a negative count": ("production", "count = 2", "count = -1", "must be 1 to 50"),
    "an unknown role": ("hello", 'role = "consumer"', 'role = "barista"', "'barista' is none of"),
    "a missing role": ("hello", 'role = "consumer"', 'role = "api"', "no host has the role"),
    "a host in a tier that isn't there": (
        "production", 'tier = "private"\ncount = 2', 'tier = "attic"\ncount = 2',
        "no subnet of tier 'attic'"),
    "a tiny disk": ("production", "disk_gb = 40", "disk_gb = 4", "must be 8 to 1000 GB"),
    "a public address in a private subnet": (
        "production", "disk_gb = 40", "disk_gb = 40\npublic_ip = true", "only a host in a public"),
    "a bastion out of reach": (
        "production", 'tier = "public"\npublic_ip = true', 'tier = "public"', "needs one to be"),
    "no public subnet at all": ("hello", 'tier = "public"', 'tier = "private"', "none is public"),
    "a NAT of a third sort": ("production", 'nat = "per-zone"', 'nat = "two"', "is none of none"),
    "an unknown cache engine": ("hello", 'engine = "redis"', 'engine = "memcached"', "neither"),
    "an unknown purpose": (
        "hello", '["decisions", "broker"]', '["decisions", "broker", "fun"]', "unknown: fun"),
    "an access that is none": (
        "production", "snapshot_days = 3", 'snapshot_days = 3\naccess = "password"',
        "'password' is none of users, both and token"),
    "users without encryption": (
        "production", "snapshot_days = 3",
        'snapshot_days = 3\nencrypted = false\naccess = "users"', "needs encrypted = true"),
    "too many replicas": ("production", "replicas = 1", "replicas = 6", "must be 0 to 5"),
    "a replica in the same zone": (
        "production", 'name = "coupon-db-c"\ncidr = "10.20.21.0/24"\nzone = "c"',
        'name = "coupon-db-c"\ncidr = "10.20.21.0/24"\nzone = "a"', "a replica needs"),
    "a store in a tier that isn't there": (
        "hello", 'tiers = ["private"]', 'tiers = ["private", "attic"]', "no subnet of tier"),
    "one port for two stores": (
        "hello", "multi_az = false", "multi_az = false\nport = 6380", "is also a cache's port"),
    "too little storage": (
        "production", "storage_gb = 100", "storage_gb = 10", "must be 20 to 16384 GB"),
    "a disk that grows by nothing": (
        "production", "max_storage_gb = 500", "max_storage_gb = 109", "must be 110 to 65536 GB"),
    "a time that isn't": with_windows('backup = "18h"', "no time of the day"),
    "a day that isn't": with_windows('maintenance = "day:19:30-day:20:30"', "no time of the week"),
    "a short backup": with_windows('backup = "18:00-18:30"', "an hour at least"),
    "a backup in an opening": with_windows('backup = "14:30-16:00"', "reaches into the openings"),
    "a maintenance over Sunday night, in an opening": with_windows(
        'maintenance = "sun:23:30-mon:00:30"', "reaches into the openings"),
    "a maintenance during the backup": with_windows(
        'maintenance = "mon:18:30-mon:20:30"', "overlaps the backup at 18:00-19:00"),
    "too many backups": ("hello", "backup_days = 1", "backup_days = 36", "must be 0 to 35"),
    "a balancer in one zone": (
        "production", 'cidr = "10.20.1.0/24"\nzone = "c"', 'cidr = "10.20.1.0/24"\nzone = "a"',
        "needs public subnets in two zones"),
    "a health check that is no path": (
        "production", '[balancer]', '[balancer]\nhealth_path = "readyz"', "must start with /"),
    "a balancer beside the one default group": (
        "production", "[key]", '[firewall]\nstyle = "default"\n\n[key]', "needs firewall.style"),
    "a firewall of a third style": ("hello", '"default"', '"none"', "neither roles nor default"),
    "waiting backwards": ("hello", "[key]", "[waiting]\nminutes = -1\n\n[key]", "positive"),
    "broken TOML": ("hello", "[key]", "[key", "is not TOML"),
}  # fmt: skip
