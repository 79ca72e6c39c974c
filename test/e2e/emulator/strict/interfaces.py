"""Network interfaces and the instances they belong to.

Rule: a group list is replaced whole, and is never empty; what ends with its instance is gone with it.
"""

from typing import Any

from moto.ec2.exceptions import InvalidSecurityGroupNotFoundError
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.models.instances import Instance
from moto.ec2.utils import generate_dns_from_ip

from .addresses import detach, holder
from .errors import error
from .quotas import quotas

Backend = NetworkInterfaceBackend


def association(self: Any) -> dict[str, Any] | None:
    """Nothing where there is no public address; Amazon's own where none of the account's is associated."""
    if not getattr(self, "public_ip", None):
        return None
    eip = holder(self.ec2_backend, self)
    common = {"PublicIp": self.public_ip, "PublicDnsName": generate_dns_from_ip(self.public_ip)}
    if eip is None:
        # InstanceNetworkInterfaceAssociation: the owner of an address assigned at launch is `amazon`.
        return {**common, "IpOwnerId": "amazon"}
    return {
        **common,
        "IpOwnerId": self.ec2_backend.account_id,
        "AllocationId": eip.allocation_id,
        "AssociationId": eip.association_id,
    }


def private_addresses(self: Any) -> list[dict[str, Any]]:
    """The primary one carries the public address of its interface (NetworkInterfacePrivateIpAddress)."""
    addresses: list[dict[str, Any]] = vars(self)["private_addresses"]
    public = association(self)
    for address in addresses:
        address.pop("Association", None)
        if address.get("Primary") and public is not None:
            address["Association"] = public
    return addresses


def set_private_addresses(self: Any, addresses: list[dict[str, Any]]) -> None:
    vars(self)["private_addresses"] = addresses


def apply() -> None:
    vpc_id = Instance.vpc_id.fget
    modify = Backend.modify_network_interface_attribute
    terminate = Instance.terminate

    def modify_network_interface_attribute(
        self: Any,
        eni_id: str,
        group_ids: list[str],
        source_dest_check: bool | None = None,
        description: str | None = None,
    ) -> None:
        if not group_ids and source_dest_check is None and description is None:
            raise error("InvalidParameterCombination", "No attributes specified.")
        eni = self.get_network_interface(eni_id)
        for group_id in group_ids:
            group = self.get_security_group_from_id(group_id)
            if group is None:
                raise InvalidSecurityGroupNotFoundError(group_id)
            if group.vpc_id != eni.vpc_id:
                raise error(
                    "InvalidParameterValue",
                    f"You have specified two resources that belong to different networks: {group_id}, {eni_id}",
                )
        if len(group_ids) > quotas.groups_per_interface:
            raise error(
                "SecurityGroupsPerInterfaceLimitExceeded",
                "The maximum number of security groups per interface has been reached.",
            )
        modify(self, eni_id, group_ids, source_dest_check, description)

    def terminate_instance(self: Any) -> Any:
        nics = list(self.nics.values())
        previous = terminate(self)
        for nic in nics:
            # "Termination disassociates" and keeps the allocation; interfaces made at launch go with it.
            eip = holder(self.ec2_backend, nic)
            if eip is not None:
                detach(eip)
            nic.public_ip = None
            if nic.id in self.ec2_backend.enis and nic.delete_on_termination:
                self.ec2_backend.delete_network_interface(nic.id)
        return previous

    Backend.modify_network_interface_attribute = modify_network_interface_attribute
    Instance.terminate = terminate_instance
    # A terminated instance is shown for about an hour, without interfaces, and is in no VPC.
    Instance.network_interfaces = property(
        lambda self: [] if self._state.name == "terminated" else list(self.nics.values())
    )
    Instance.vpc_id = property(lambda self: None if self._state.name == "terminated" else vpc_id(self))
    NetworkInterface.association = property(association)
    NetworkInterface.private_ip_addresses = property(private_addresses, set_private_addresses)
    # moto adds the groups of the launch for ever; EC2 shows the list that was set last.
    NetworkInterface.group_set = property(lambda self: self._group_set)
