"""AWS' rules for names, by kind of resource: from each operation's page in its API reference.

A kind that AWS names only by its `Name` tag has the tag's rule. No other name is longer than a tag
may be either, since every resource has its name in a tag, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TAG_LONGEST = 256
_TAG = r"[\w .:/=+@-]+"
_WORD = r"[a-z](?:-?[a-z0-9])*"
_LOWERED = "lower-case letters, digits and single hyphens, beginning with a letter"
_HYPHENS = "letters, digits and hyphens, with none at the ends"


@dataclass(frozen=True)
class NameRule:
    """`longest` in characters; `says` what `pattern` allows."""

    longest: int
    pattern: str
    says: str

    def problem(self, name: str) -> str:
        """What is wrong with the name, as the end of a sentence; empty if nothing is."""
        if len(name) > self.longest:
            return f"has {len(name)} characters, AWS takes {self.longest}"
        if not re.fullmatch(self.pattern, name, re.ASCII):
            return f"must be {self.says}"
        return ""


_TAGGED = NameRule(TAG_LONGEST, _TAG, "letters, digits, spaces and . : / = + - @ _")
_LOAD_BALANCING = NameRule(
    32, r"(?!internal-)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?", f"{_HYPHENS}, and not internal-"
)

# kind -> rule. The store's names are stored in lower case: others would never be found again.
NAME_RULES: dict[str, NameRule] = {
    **dict.fromkeys(
        ("vpc", "internet-gateway", "subnet", "address", "nat", "route-table", "s3-endpoint",
         "flow-log", "host", "listener", "default-group", "rules"), _TAGGED,
    ),
    "group": NameRule(255, rf"(?!sg-){_TAG}", f"{_TAGGED.says}, and not begin with sg-"),
    "key-pair": NameRule(251, r"[\w+=,.@-]+", "letters, digits and + = , . @ - _"),  # and .pem
    "role": NameRule(64, r"[\w+=,.@-]+", "letters, digits and + = , . @ - _"),
    "profile": NameRule(128, r"[\w+=,.@-]+", "letters, digits and + = , . @ - _"),
    "secret": NameRule(TAG_LONGEST, r"[\w.-]+", "letters, digits and . - _"),
    "log-group": NameRule(TAG_LONGEST, r"[\w.\-/]+", "letters, digits and . - _ /"),
    "cache-subnets": NameRule(255, r"[a-z0-9-]+", "lower-case letters, digits and hyphens"),
    "cache-parameters": NameRule(255, _WORD, _LOWERED),
    "cache-node": NameRule(50, _WORD, _LOWERED),
    "cache-group": NameRule(40, _WORD, _LOWERED),
    # AWS' reference gives no limit for these two; a replication group's is taken
    "cache-user": NameRule(40, _WORD, _LOWERED),
    "cache-user-group": NameRule(40, _WORD, _LOWERED),
    "db-subnets": NameRule(
        255, r"(?!default$)[a-z][a-z0-9. _-]*",
        "lower-case letters, digits, spaces and . - _, beginning with a letter, and not default",
    ),
    "db-parameters": NameRule(255, _WORD, _LOWERED),
    "database": NameRule(63, _WORD, _LOWERED),
    "target-group": _LOAD_BALANCING,
    "balancer": _LOAD_BALANCING,
    "distribution": NameRule(128, _TAG, _TAGGED.says),  # its comment's limit
    "topic": NameRule(256, r"[\w-]+", "letters, digits, - and _"),
    "alarm": NameRule(255, _TAG, _TAGGED.says),
    "dashboard": NameRule(255, r"[\w-]+", "letters, digits, - and _"),
    "budget": NameRule(100, r"[\w .=+@-]+", "letters, digits, spaces and . = + @ - _"),
}  # fmt: skip

# RDS' DBName and MasterUsername; neither may be one of RESERVED_WORDS.
SCHEMA_RULE = NameRule(64, r"[A-Za-z]\w*", "letters, digits and _, beginning with a letter")
USER_RULE = NameRule(16, r"[A-Za-z]\w*", "letters, digits and _, beginning with a letter")

# MySQL's reserved words, 8.0 and 8.4 (https://dev.mysql.com/doc/refman/8.4/en/keywords.html), its
# own schemas, and users that RDS keeps for itself.
_WORDS = """
    accessible add all alter analyze and as asc asensitive before between bigint binary blob
    both by call cascade case change char character check collate column condition constraint
    continue convert create cross cube cume_dist current_date current_time current_timestamp
    current_user cursor database databases day_hour day_microsecond day_minute day_second dec
    decimal declare default delayed delete dense_rank desc describe deterministic distinct
    distinctrow div double drop dual each else elseif empty enclosed escaped except exists exit
    explain false fetch first_value float float4 float8 for force foreign from fulltext function
    generated get grant group grouping groups having high_priority hour_microsecond hour_minute
    hour_second if ignore in index infile inner inout insensitive insert int int1 int2 int3 int4
    int8 integer intersect interval into io_after_gtids io_before_gtids is iterate join
    json_table key keys kill lag last_value lateral lead leading leave left like limit linear
    lines load localtime localtimestamp lock long longblob longtext loop low_priority manual
    master_bind master_ssl_verify_server_cert match maxvalue mediumblob mediumint mediumtext
    middleint minute_microsecond minute_second mod modifies natural not no_write_to_binlog
    nth_value ntile null numeric of on optimize optimizer_costs option optionally or order out
    outer outfile over parallel partition percent_rank precision primary procedure purge qualify
    range rank read reads read_write real recursive references regexp release rename repeat
    replace require resignal restrict return revoke right rlike row rows row_number schema
    schemas second_microsecond select sensitive separator set show signal smallint spatial
    specific sql sqlexception sqlstate sqlwarning sql_big_result sql_calc_found_rows
    sql_small_result ssl starting stored straight_join system table tablesample terminated then
    tinyblob tinyint tinytext to trailing trigger true undo union unique unlock unsigned update
    usage use using utc_date utc_time utc_timestamp values varbinary varchar varcharacter
    varying virtual when where while window with write xor year_month zerofill
    information_schema mysql performance_schema sys innodb tmp root rdsadmin
"""
RESERVED_WORDS = frozenset(_WORDS.split())
