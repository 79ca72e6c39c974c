"""Security groups and their rules.

Rule: a request is applied whole or not at all; rules are stored in their canonical form.
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import (
    DependencyViolationError,
    InvalidParameterValue,
    InvalidPermissionDuplicateError,
    InvalidPermissionNotFoundError,
    InvalidSecurityGroupDuplicateError,
    InvalidSecurityGroupNotFoundError,
    InvalidVPCIdError,
    RulesPerSecurityGroupLimitExceededError,
)
from moto.ec2.models.security_groups import SecurityGroupBackend, SecurityGroupRule
from moto.ec2.responses.security_groups import SecurityGroups

from .errors import error
from .quotas import quotas

# IpPermission.IpProtocol: these numbers come back as names, in lower case.
NAMES = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}
PORTED = {"tcp", "udp"}
# CreateSecurityGroup, IpRange: what names and descriptions are made of.
TEXT = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}")
ICMP = {"icmp", "icmpv6"}


def canonical_cidr(given: str, member: str) -> str:
    """100.68.0.18/18 is stored as 100.68.0.0/18 ("Security group rules" in the VPC user guide)."""
    try:
        if "/" not in given:
            raise ValueError(given)
        return str(ipaddress.ip_network(given, strict=False))
    except ValueError:
        raise InvalidParameterValue(f"CIDR block {given} is malformed ({member})") from None


def is_text(given: str | None) -> bool:
    return TEXT.fullmatch(given or "") is not None


def canonical(permission: dict[str, Any]) -> dict[str, Any]:
    """One entry of IpPermissions as `_process_rules_from_querystring` yields it, checked and in EC2's own form."""
    given = str(permission["ip_protocol"] or "").lower()
    protocol = NAMES.get(given, given)
    if protocol != "-1" and protocol not in PORTED | ICMP and not (protocol.isdigit() and int(protocol) <= 255):
        raise InvalidParameterValue(f"Invalid value '{given}' for IP protocol. Unknown protocol.")
    first, last = permission["from_port"], permission["to_port"]
    if protocol in PORTED | ICMP:
        if first is None or last is None:
            raise InvalidParameterValue("Invalid value for portRange. Must specify both from and to ports.")
        first, last = int(first), int(last)
        if protocol in PORTED and not 0 <= first <= last <= 65535:
            raise InvalidParameterValue(f"Invalid TCP/UDP port range ({first}:{last})")
        if protocol in ICMP and not (-1 <= first <= 255 and -1 <= last <= 255):
            raise InvalidParameterValue(f"ICMP type or code ({first}:{last}) out of range")
        # IpPermission.ToPort: "If you specify all ICMP types, you must specify all codes".
        if protocol in ICMP and first == -1 and last != -1:
            raise InvalidParameterValue(f"ICMP code ({last}) of all types")
    else:
        first = last = None
    if not all(is_text(r.get("Description")) for r in permission["ip_ranges"]):
        raise InvalidParameterValue("Invalid rule description.")
    ranges = [
        {**r, member: canonical_cidr(r[member], member)}
        for r in permission["ip_ranges"]
        for member in ("CidrIp", "CidrIpv6")
        if member in r
    ]
    return {**permission, "ip_protocol": protocol, "from_port": first, "to_port": last, "ip_ranges": ranges}


def apply() -> None:
    plain = SecurityGroups._process_rules_from_querystring
    init = SecurityGroupRule.__init__
    create = SecurityGroupBackend.create_security_group
    delete = SecurityGroupBackend.delete_security_group

    def process(self: Any) -> Iterator[dict[str, Any]]:
        permissions = [canonical(p) for p in plain(self)]
        sources = [
            (p["ip_protocol"], p["from_port"], p["to_port"], r.get("CidrIp"), r.get("CidrIpv6"))
            for p in permissions
            for r in p["ip_ranges"]
        ]
        if len(set(sources)) < len(sources):
            raise InvalidParameterValue("The same permission must not appear multiple times")
        return iter(permissions)

    def make_rule(self: Any, backend: Any, protocol: str, *args: Any, **kwargs: Any) -> None:
        """moto asks for ports of every protocol; EC2 knows them for four."""
        init(self, backend, protocol if protocol in PORTED | ICMP else "-1", *args, **kwargs)
        self.ip_protocol = protocol

    def group_of(self: Any, permissions: list[dict[str, Any]]) -> Any:
        name = permissions[0]["group_name_or_id"]
        group = self.ec2_backend.get_security_group_from_id(name)
        if group is None:
            raise InvalidSecurityGroupNotFoundError(name)
        return group

    def rules_of(self: Any, group: Any, permissions: list[dict[str, Any]], is_egress: bool) -> list[Any]:
        return [
            rule
            for p in permissions
            for rule in self.ec2_backend._iterate_security_rules(
                p["ip_protocol"],
                group.id,
                p["from_port"],
                p["to_port"],
                p["ip_ranges"],
                self.ec2_backend._add_source_group(p["source_groups"], group.vpc_id),
                p["prefix_list_ids"],
                is_egress=is_egress,
            )
        ]

    def held(group: Any, is_egress: bool) -> list[Any]:
        return group.egress_rules if is_egress else group.ingress_rules

    def request(self: Any, is_egress: bool) -> tuple[Any, list[Any]]:
        """The group that a request names, and the rules it asks for."""
        permissions = list(self._process_rules_from_querystring())
        group = group_of(self, permissions)
        return group, rules_of(self, group, permissions, is_egress)

    def present_rules(self: Any, is_egress: bool) -> tuple[list[Any], list[Any]]:
        """The rules a request asks for, each of which is there, and all that are there."""
        group, asked = request(self, is_egress)
        present = held(group, is_egress)
        if any(rule not in present for rule in asked):
            raise InvalidPermissionNotFoundError()
        return asked, present

    def authorize(self: Any, is_egress: bool) -> ActionResult:
        group, asked = request(self, is_egress)
        if any(rule in held(group, is_egress) for rule in asked):
            raise InvalidPermissionDuplicateError()
        for member in ("cidr_ipv4", "cidr_ipv6"):
            # IPv4 and IPv6 are counted apart; what names a group or a prefix list counts for both.
            other = "cidr_ipv6" if member == "cidr_ipv4" else "cidr_ipv4"
            counted = [r for r in [*held(group, is_egress), *asked] if getattr(r, other) is None]
            if len(counted) > quotas.rules_per_group:
                raise RulesPerSecurityGroupLimitExceededError()
        held(group, is_egress).extend(asked)
        return ActionResult({"Return": True, "SecurityGroupRules": asked})

    def revoke(self: Any, is_egress: bool) -> ActionResult:
        asked, present = present_rules(self, is_egress)
        present[:] = [rule for rule in present if rule not in asked]
        return ActionResult({"Return": True})

    def describe(self: Any, is_egress: bool) -> ActionResult:
        """UpdateSecurityGroupRuleDescriptions: of rules that are there, and nothing but their descriptions."""
        asked, present = present_rules(self, is_egress)
        for rule in asked:
            present[present.index(rule)].ip_range = rule.ip_range
        return ActionResult({"Return": True})

    def create_security_group(self: Any, name: str, description: str, **kwargs: Any) -> Any:
        if not description:
            raise error("MissingParameter", "The request must contain GroupDescription")
        # "Cannot start with sg-", and both are of certain characters.
        if not name or not is_text(name) or name.startswith("sg-") or not is_text(description):
            raise InvalidParameterValue(f"Invalid security group name or description: {name}, {description}")
        vpc_id = kwargs.get("vpc_id") or self.default_vpc.id
        if vpc_id not in self.vpcs:
            raise InvalidVPCIdError(vpc_id)
        taken = {g.name.lower() for g in self.groups[vpc_id].values()}
        # CreateSecurityGroup: names are unique within the VPC, whatever their letter case.
        if name.lower() in taken and not kwargs.get("force"):
            raise InvalidSecurityGroupDuplicateError(name)
        return create(self, name, description, **kwargs)

    def delete_security_group(self: Any, name: str | None = None, group_id: str | None = None) -> None:
        users = [eni.id for eni in self.enis.values() if any(g.id == group_id for g in eni.group_set)]
        referring = [
            other.id
            for groups in self.groups.values()
            for other in groups.values()
            for rule in [*other.ingress_rules, *other.egress_rules]
            if other.id != group_id and rule.source_group.get("GroupId") == group_id
        ]
        # DeleteSecurityGroup: fails with DependencyViolation while used by an interface or another group.
        if users or referring:
            raise DependencyViolationError(f"resource {group_id} has a dependent object")
        delete(self, name, group_id)

    SecurityGroups._process_rules_from_querystring = process
    SecurityGroups.authorize_security_group_ingress = lambda self: authorize(self, False)
    SecurityGroups.authorize_security_group_egress = lambda self: authorize(self, True)
    SecurityGroups.revoke_security_group_ingress = lambda self: revoke(self, False)
    SecurityGroups.revoke_security_group_egress = lambda self: revoke(self, True)
    SecurityGroups.update_security_group_rule_descriptions_ingress = lambda self: describe(self, False)
    SecurityGroups.update_security_group_rule_descriptions_egress = lambda self: describe(self, True)
    SecurityGroupRule.__init__ = make_rule
    SecurityGroupBackend.create_security_group = create_security_group
    SecurityGroupBackend.delete_security_group = delete_security_group
