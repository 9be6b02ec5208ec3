"""Errors of the comparator.

ComparatorError
├── BadPolicy                   a policy has a setting that cannot be used
├── BadRules                    a rule set has a rule that cannot be used
│   ├── BadPath                 places/rule_path.py: a path cannot be read
│   ├── BadPattern              compare/patterns.py: RE2 does not take a pattern
│   └── BadMaskPlace            masking/mask_places.py: a place to mask cannot be read
├── UndecodableBody             content/errors.py: a body cannot be decoded as its headers say
│   ├── CorruptBody             its bytes are not what the headers say
│   ├── InflatedTooLarge        it inflates past the cap
│   └── UnsupportedCoding       this installation cannot undo its coding
├── Unverified                  compare/collector.py: a comparison cannot go on
├── InstallationMismatch        control/installation.py: a Redis and a database do not belong together
├── NotificationFailed          a receiver could not be reached, or did not accept
├── NotificationRefused         a notification must not be sent, or only once something is set up
├── WriterStopped               pipeline/result_writer.py: the process stops before a batch is recorded
└── StoreError                  Postgres cannot be used as it is
    ├── ServerTooOld            the server is older than Postgres 14
    ├── DatabaseTooNew          a newer release migrated the schema
    ├── MigrationChanged        a migration applied to this database has other contents in this release
    ├── NotMigrated             the schema is missing or older than this release
    ├── UnfitEncoding           the database stores text in another encoding than UTF-8
    ├── SharedSessions          a pooler gives one session to several connections
    ├── UnfitRole               a role does not exist, or could change tables all the same
    ├── LaunchExists            a launch of this name is already recorded
    ├── LaunchUnknown           no launch of this name is recorded
    ├── LaunchChanged           somebody else changed the launch in the meantime
    ├── NoSalt                  the database has lost the salt for masking values
    ├── ProvisionalRowsExist    store/insert_results.py: some exchanges of a batch already have a provisional row
    └── ProvisionalRowAppeared  store/classify_error.py: another writer added one during the transaction
"""


class ComparatorError(Exception):
    """Base of every error of the comparator."""


class BadPolicy(ComparatorError):
    """A policy has a setting that cannot be used."""


class InstallationMismatch(ComparatorError):
    """A Redis and a database do not belong together."""


class NotificationFailed(ComparatorError):
    """A receiver of notifications could not be reached, or did not accept."""


class NotificationRefused(ComparatorError):
    """A notification must not be sent, or only once something is set up."""


class BadRules(ComparatorError):
    """A rule set has a rule that cannot be used."""


class StoreError(ComparatorError):
    """Postgres cannot be used as it is."""


class ServerTooOld(StoreError):
    """The server is older than Postgres 14."""


class DatabaseTooNew(StoreError):
    """A newer release migrated the schema."""


class MigrationChanged(StoreError):
    """A migration applied to this database has other contents in this release."""


class NotMigrated(StoreError):
    """The schema is missing or older than this release."""


class UnfitEncoding(StoreError):
    """The database stores text in another encoding than UTF-8."""


class SharedSessions(StoreError):
    """A pooler gives one session to several connections."""


class UnfitRole(StoreError):
    """A role does not exist, or could change tables all the same."""


class LaunchExists(StoreError):
    """A launch of this name is already recorded."""


class LaunchUnknown(StoreError):
    """No launch of this name is recorded."""


class LaunchChanged(StoreError):
    """Somebody else changed the launch in the meantime."""


class NoSalt(StoreError):
    """The database has lost the salt for masking values."""
