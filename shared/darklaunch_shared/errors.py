"""Errors of the contract.

ContractError
├── BadEntry          a stream entry that is not ours, damaged, or of an unknown version
├── BadLaunch         a launch name, percentage or specification that cannot be accepted
├── BadOrigin         a shadow origin that must not be called
├── BadKey            a secret key that cannot be used
└── Unsealable        sealed credentials that do not open
"""


class ContractError(Exception):
    """What was given does not fit the contract between hook, workers and comparator."""


class BadEntry(ContractError):
    """The stream entry is not one of ours, is damaged, or has a version this release does not read."""


class BadLaunch(ContractError):
    """The launch name, percentage or specification cannot be accepted."""


class BadOrigin(ContractError):
    """The shadow origin must not be called."""


class BadKey(ContractError):
    """The secret key cannot be used."""


class BadSeal(ContractError):
    """The sealed credentials do not open with the keys there are."""
