"""The keys of one worker: to verify entries with, and to open the credentials that a launch seals."""

from dataclasses import dataclass, replace

from darklaunch_shared.crypto.keyring import KeyRing, parse_keys
from darklaunch_shared.crypto.sealing import Sealer
from darklaunch_shared.crypto.signing import check_signature
from darklaunch_shared.errors import BadSeal
from darklaunch_shared.wire.exchange import Exchange
from darklaunch_shared.wire.fields import Fields

from .settings import WorkerSettings


@dataclass(frozen=True, slots=True)
class EntryKeys:
    """`sealer` is None without a seal key; an empty `signing` asks for no signatures."""

    sealer: Sealer | None
    signing: KeyRing

    def verify(self, fields: Fields) -> None:
        """Raise BadEntry when this worker has signing keys and the entry is not signed by one of them."""
        if self.signing:
            check_signature(fields, self.signing)

    def opened(self, exchange: Exchange, *, may_open: bool) -> Exchange:
        """Give the exchange with its credentials in clear, for the request alone. Raises Unsealable.

        `may_open` says that the launch seals: after the operator has turned that off, nothing is opened any more.
        """
        if not exchange.sealed:
            return exchange
        if not may_open:
            raise BadSeal("the launch does not ask for sealed credentials any more")
        if self.sealer is None:
            raise BadSeal("this worker has no DARKLAUNCH_SEAL_KEY")
        request = self.sealer.unseal(exchange.request, exchange.sealed, exchange.launch, exchange.id)
        return replace(exchange, request=request, sealed="")


def secrets_of(settings: WorkerSettings) -> EntryKeys:
    """Make the keys usable. Raises BadKey when one cannot be used, or `cryptography` is missing."""
    seal = parse_keys(settings.seal_key)
    return EntryKeys(Sealer(seal) if seal else None, parse_keys(settings.signing_key))
