"""Tags.

Rule: what is not there cannot be tagged, and one such id fails the whole request.
"""

from typing import Any

from moto.ec2.models import EC2Backend

from .errors import error


def is_there(backend: Any, resource_id: str) -> bool:
    match resource_id.split("-")[0]:
        case "eipalloc":
            return any(a.allocation_id == resource_id for a in backend.addresses)
        case "sg":
            return backend.get_security_group_from_id(resource_id) is not None
        case "eni":
            return resource_id in backend.enis
        case "i":
            return any(i.id == resource_id for i in backend.all_instances())
        case _:
            return True


# "Error codes for the Amazon EC2 API".
NOT_FOUND = {
    "eipalloc": "InvalidAllocationID.NotFound",
    "sg": "InvalidGroup.NotFound",
    "eni": "InvalidNetworkInterfaceID.NotFound",
    "i": "InvalidInstanceID.NotFound",
}


def apply() -> None:
    def do_resources_exist(self: Any, resource_ids: list[str]) -> bool:
        for resource_id in resource_ids:
            if not is_there(self, resource_id):
                raise error(NOT_FOUND[resource_id.split("-")[0]], f"The ID '{resource_id}' does not exist")
        return True

    EC2Backend.do_resources_exist = do_resources_exist
