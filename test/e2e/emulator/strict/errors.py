"""Errors that moto has no class for.

Rule: code and wording as EC2's ("Error codes for the Amazon EC2 API").
"""

from moto.ec2.exceptions import EC2ClientError


def error(code: str, message: str) -> EC2ClientError:
    return EC2ClientError(code, message)
