"""Elastic IPs.

Rule: an address is taken from nobody unasked, and one in use is not released.
"""

from typing import Any

from moto.ec2.exceptions import ResourceAlreadyAssociatedError
from moto.ec2.models.elastic_ip_addresses import ElasticAddress, ElasticAddressBackend
from moto.ec2.utils import random_eip_association_id

from .errors import error
from .quotas import quotas

Backend = ElasticAddressBackend


def holder(backend: Any, eni: Any) -> ElasticAddress | None:
    """The Elastic IP on the primary private address of an interface."""
    return next((a for a in backend.addresses if a.eni is eni), None)


def detach(address: ElasticAddress) -> None:
    address.eni = None
    address.instance = None
    address.association_id = None


def apply() -> None:
    allocate = Backend.allocate_address
    disassociate = Backend.disassociate_address
    release = Backend.release_address

    def allocate_address(self: Any, *args: Any, **kwargs: Any) -> ElasticAddress:
        if len(self.addresses) >= quotas.addresses:
            raise error("AddressLimitExceeded", "The maximum number of addresses has been reached.")
        return allocate(self, *args, **kwargs)

    def associate_address(
        self: Any,
        instance: Any = None,
        eni: Any = None,
        address: str | None = None,
        allocation_id: str | None = None,
        reassociate: bool = False,
    ) -> ElasticAddress:
        [eip] = self.address_by_ip([address]) if address else self.address_by_allocation([allocation_id])
        target = eni or instance.nics[0]
        if target.instance is not None and target.instance._state.name != "running":
            raise error("IncorrectInstanceState", f"{target.instance.id} is not running.")
        # AssociateAddress: "This is an idempotent operation."
        if eip.eni is target:
            return eip
        may_move = str(reassociate).lower() == "true"
        # AllowReassociation: if false, "the operation fails if the Elastic IP address is already associated".
        if eip.eni is not None and not may_move:
            raise ResourceAlreadyAssociatedError(eip.public_ip)
        other = holder(self, target)
        if other is not None:
            if not may_move:
                raise ResourceAlreadyAssociatedError(target.id)
            detach(other)
        if eip.eni is not None:
            leave(eip)
        eip.eni = target
        eip.instance = target.instance
        # The address that was assigned at launch goes back to Amazon's pool.
        target.public_ip = eip.public_ip
        eip.association_id = random_eip_association_id()
        return eip

    def leave(eip: ElasticAddress) -> None:
        """Takes it off its interface, which gets an address of Amazon's again if it is its instance's only one."""
        eni = eip.eni
        detach(eip)
        eni.public_ip = None
        is_running = eni.instance is not None and eni.instance._state.name == "running"
        if is_running and len(eni.instance.nics) == 1:
            eni.check_auto_public_ip()

    def disassociate_address(self: Any, address: str | None = None, association_id: str | None = None) -> None:
        [eip] = self.address_by_ip([address]) if address else self.address_by_association([association_id])
        if eip.eni is None:
            disassociate(self, address, association_id)
        else:
            leave(eip)

    def release_address(self: Any, address: str | None = None, allocation_id: str | None = None) -> None:
        [eip] = self.address_by_ip([address]) if address else self.address_by_allocation([allocation_id])
        if eip.association_id is not None:
            raise error("InvalidIPAddress.InUse", f"Address {eip.public_ip} is in use.")
        release(self, address, allocation_id)

    Backend.allocate_address = allocate_address
    Backend.associate_address = associate_address
    Backend.disassociate_address = disassociate_address
    Backend.release_address = release_address
    # What is not there is absent from an answer, not empty.
    ElasticAddress.instance_id = property(
        lambda self: self.eni.instance.id if self.eni is not None and self.eni.instance else None
    )
    ElasticAddress.network_interface_id = property(lambda self: self.eni.id if self.eni is not None else None)
