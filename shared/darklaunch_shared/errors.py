"""The errors of the contract between hook, workers, comparator and console, all of them.

ContractError
├── BadEntry     a stream entry that is not ours, is damaged, or has an unknown version
├── BadLaunch    a launch name, percentage or specification that cannot be accepted
├── BadOrigin    an origin that must not be called
├── BadKey       a secret key that cannot be used
└── BadSeal      sealed credentials that do not open
"""


class ContractError(Exception):
    """A value does not fit the contract; the message says which and why, in one line."""


class BadEntry(ContractError):
    """The stream entry is not one of ours, is damaged, or has a version this release does not read."""


class BadLaunch(ContractError):
    """The launch name, percentage or specification cannot be accepted."""


class BadOrigin(ContractError):
    """The origin of a shadow or baseline must not be called."""


class BadKey(ContractError):
    """The secret key cannot be used."""


class BadSeal(ContractError):
    """The sealed credentials do not open with the keys there are."""
