"""Signatures that a person decides on, found by their fingerprints or what those begin with."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

from darklaunch_comparator.store.signatures import (
    SignatureDecision,
    SignatureName,
    decide_signatures,
    read_signature_names,
)

from darklaunch_console.errors import BadUsage, ConsoleError
from darklaunch_console.output.screen import make_printable
from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import Connection

SHORTEST: Final = 4
"""Digits of a fingerprint that are enough to name it; fewer often fit several by accident."""


class NoSuchSignature(ConsoleError):
    """A launch has no signature of this fingerprint, or several that begin so."""


def record_decisions(
    connection: Connection, launch: str, fingerprints: Sequence[str], state: str, *, actor: str, reason: str
) -> list[SignatureDecision]:
    """Record that signatures are `accepted`, `resolved` or `open`, and commit.

    Raises NoSuchLaunch, NoSuchSignature, and BadUsage for a fingerprint that is too short.
    """
    read_launch_record(connection, launch)
    chosen = find_signatures(launch, read_signature_names(connection, launch), fingerprints)
    decisions = decide_signatures(
        connection,
        launch,
        [signature.fingerprint for signature in chosen],
        state,
        actor=actor,
        reason=reason.strip(),
    )
    connection.commit()
    return decisions


def find_signatures(
    launch: str, signatures: Sequence[SignatureName], fingerprints: Sequence[str]
) -> list[SignatureName]:
    """Return the signatures of these fingerprints, or beginnings of fingerprints, each once, in the order given.

    Raises NoSuchSignature for a fingerprint that is unknown (with the nearest one) or ambiguous (with what it fits),
    and BadUsage for one that is too short.
    """
    by_fingerprint = {signature.fingerprint: signature for signature in signatures}
    chosen: dict[str, SignatureName] = {}
    for text in fingerprints:
        wanted = text.strip().lower()
        if len(wanted) < SHORTEST:
            raise BadUsage(f"{text!r} is too short to name one: write at least {SHORTEST} digits of a fingerprint")
        fitting = [signature for signature in signatures if signature.fingerprint.startswith(wanted)]
        matches = [by_fingerprint[wanted]] if wanted in by_fingerprint else fitting
        if len(matches) > 1:
            candidates = ", ".join(f"{match.fingerprint} ({name_signature(match)})" for match in matches[:4])
            raise NoSuchSignature(f'{len(matches)} fingerprints of {launch} begin with "{wanted}": {candidates}')
        if not matches:
            hint = _suggest(launch, wanted, signatures)
            raise NoSuchSignature(f'{launch} has no fingerprint "{make_printable(wanted, 40)}".{hint}')
        chosen[matches[0].fingerprint] = matches[0]
    return list(chosen.values())


def name_signature(signature: SignatureName | SignatureDecision) -> str:
    """Return a signature's endpoint and title, shortened and safe to print."""
    return f"{make_printable(signature.endpoint, 60)} {make_printable(signature.title, 90)}"


def _suggest(launch: str, wanted: str, signatures: Sequence[SignatureName]) -> str:
    known = [signature.fingerprint for signature in signatures]
    near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.6)
    near = near or [fingerprint for fingerprint in known if fingerprint[:SHORTEST] == wanted[:SHORTEST]]
    if near:
        meant = next(signature for signature in signatures if signature.fingerprint == near[0])
        return f' Did you mean "{meant.fingerprint}" ({name_signature(meant)})?'
    return f" They are listed by `darklaunch mismatches {launch} --all`." if known else " It has no mismatches yet."
