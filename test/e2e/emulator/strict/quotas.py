"""The account's quotas.

Rule: those that a VPC has by default ("Amazon VPC quotas" in the VPC user guide), unless a test sets others.
"""

from typing import Any


class Quotas:
    def __init__(self) -> None:
        # Five Elastic IPs is what an account starts with; most tests are about something else.
        self.addresses = 1000
        self.rules_per_group = 60
        self.groups_per_interface = 5

    def set(self, wanted: dict[str, Any]) -> None:
        for name, value in wanted.items():
            if name not in vars(self):
                raise KeyError(f"no such quota: {name}")
            setattr(self, name, int(value))


quotas = Quotas()
