"""The keys of one worker: to verify entries, and to open the credentials that a launch seals."""

from dataclasses import dataclass, replace

from darklaunch_shared.crypto.keyring import KeyRing, parse_keys
from darklaunch_shared.crypto.sealing import Sealer
from darklaunch_shared.crypto.signing import check_signature
from darklaunch_shared.errors import BadSeal
from darklaunch_shared.wire.exchange import Exchange
from darklaunch_shared.wire.fields import Fields

from darklaunch_workers.settings import WorkerSettings


@dataclass(frozen=True, slots=True)
class EntryKeys:
    """`sealer` is None without a seal key. Without `signing` keys, unsigned entries are taken."""

    sealer: Sealer | None
    signing: KeyRing

    def verify(self, fields: Fields) -> None:
        """Raise BadEntry when this worker has signing keys and none of them has signed the entry."""
        if self.signing:
            check_signature(fields, self.signing)

    def unseal(self, exchange: Exchange, *, launch_seals: bool) -> Exchange:
        """Return the exchange with its credentials in clear, for the request alone. Raises BadSeal.

        `launch_seals` False opens nothing: the operator has turned sealing off since the exchange was captured.
        """
        if not exchange.sealed:
            return exchange
        if not launch_seals:
            raise BadSeal("the launch does not ask for sealed credentials any more")
        if self.sealer is None:
            raise BadSeal("this worker has no DARKLAUNCH_SEAL_KEY")
        request = self.sealer.unseal(exchange.request, exchange.sealed, exchange.launch, exchange.id)
        return replace(exchange, request=request, sealed="")


def load_entry_keys(settings: WorkerSettings) -> EntryKeys:
    """Return the keys that the settings name. Raises BadKey for an unusable one, or without `cryptography`."""
    seal_keys = parse_keys(settings.seal_key)
    return EntryKeys(Sealer(seal_keys) if seal_keys else None, parse_keys(settings.signing_key))
