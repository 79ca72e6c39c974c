"""What moto lets pass and EC2 does not, a file for each kind of resource.

Rule: each change names the fact about EC2 that it is for; none looks at who is calling.
"""
