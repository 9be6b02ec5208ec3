"""Errors of the comparator.

ComparatorError
├── BadPolicy               a policy cannot be used as it is written
├── BadRules                a rule set cannot be used as it is written
└── StoreError              Postgres cannot be used as it is
    ├── ServerTooOld        the server is older than Postgres 14
    ├── DatabaseTooNew      the schema was migrated by a newer release
    ├── MigrationChanged    a migration that was applied here reads differently in this release
    ├── NotMigrated         the schema is missing or older than this release
    ├── UnfitRole           a role is not there, or cannot be kept from changing tables
    ├── LaunchExists        a launch of this name is recorded already
    ├── LaunchUnknown       no launch of this name is recorded
    ├── LaunchMoved         the launch was changed by someone else meanwhile
    └── NoSalt              what values are masked with is gone from the database
"""


class ComparatorError(Exception):
    """The comparator cannot go on."""


class BadPolicy(ComparatorError):
    """A policy cannot be used as it is written."""


class BadRules(ComparatorError):
    """A rule set cannot be used as it is written."""


class StoreError(ComparatorError):
    """Postgres cannot be used as it is."""


class ServerTooOld(StoreError):
    """The server is older than Postgres 14."""


class DatabaseTooNew(StoreError):
    """The schema was migrated by a newer release."""


class MigrationChanged(StoreError):
    """A migration that was applied here reads differently in this release."""


class NotMigrated(StoreError):
    """The schema is missing or older than this release."""


class UnfitRole(StoreError):
    """A role is not there, or cannot be kept from changing tables."""


class LaunchExists(StoreError):
    """A launch of this name is recorded already."""


class LaunchUnknown(StoreError):
    """No launch of this name is recorded."""


class LaunchChanged(StoreError):
    """The launch was changed by someone else meanwhile."""


class NoSalt(StoreError):
    """What values are masked with is gone from the database."""
