"""`accept`, `resolve`, `reopen`: what people decide about the things that differ."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final, TypeVar

import click
from darklaunch_comparator.store.signatures import (
    SignatureDecision,
    SignatureName,
    decide_signatures,
    read_signature_names,
)

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import BadUsage, ConsoleError
from darklaunch_console.launches.change import current_actor
from darklaunch_console.output.screen import GOOD, json_option, make_printable, print_json, print_line, wrap_text
from darklaunch_console.output.text import format_plural
from darklaunch_console.reports.evidence import read_launch_record
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres

F = TypeVar("F", bound=Callable[..., Any])

SHORTEST: Final = 4
"""Shorter beginnings of a fingerprint name too much by accident."""


class NoSuchSignature(ConsoleError):
    """A launch has no signature of this fingerprint, or several that begin so."""


def deciding(*, reason_required: bool) -> Callable[[F], F]:
    """Give a command the launch's name, fingerprints, --reason and --json."""

    def given(function: F) -> F:
        needed = click.option("--reason", required=True, metavar="TEXT", help="Why; kept with the event.")
        wanted = click.option("--reason", default="", metavar="TEXT", help="Why; kept with the event.")
        reason = needed if reason_required else wanted
        which = click.argument("fingerprints", nargs=-1, required=True, metavar="FINGERPRINT...")
        return click.argument("name", callback=check_launch_name)(which(reason(json_option(function))))

    return given


@click.command(short_help="Call a kind of mismatch meant to be so.")
@deciding(reason_required=True)
@click.pass_obj
def accept(settings: ConsoleSettings, name: str, fingerprints: tuple[str, ...], reason: str, in_json: bool) -> None:
    """Call kinds of mismatch meant to be so: they are counted and listed, and are no problem any more.

    A fingerprint, or its first 4 digits or more, is what `darklaunch mismatches` shows. Accepted is what was seen until
    now: under a build of the shadow that it was not seen under, a kind is open again.
    """
    if not reason.strip():
        raise BadUsage("--reason is empty: say why the shadow is meant to differ, for whoever asks in a month")
    then = (
        "Each is open again when it appears under another build of the shadow. The evidence of the verdict begins "
        "anew: what is accepted is in it no more."
    )
    _decide(settings, name, fingerprints, "accepted", reason, in_json, then)


@click.command(short_help="Call a kind of mismatch repaired.")
@deciding(reason_required=False)
@click.pass_obj
def resolve(settings: ConsoleSettings, name: str, fingerprints: tuple[str, ...], reason: str, in_json: bool) -> None:
    """Call kinds of mismatch repaired: each is open again as soon as a later exchange shows it, under any build."""
    then = "Each is open again when a later exchange shows it, under any build of the shadow."
    _decide(settings, name, fingerprints, "resolved", reason, in_json, then)


@click.command(short_help="Take back that it was accepted or resolved.")
@deciding(reason_required=False)
@click.pass_obj
def reopen(settings: ConsoleSettings, name: str, fingerprints: tuple[str, ...], reason: str, in_json: bool) -> None:
    """Take back that kinds of mismatch were accepted or resolved: they are problems again."""
    _decide(settings, name, fingerprints, "open", reason, in_json, "")


def find_signatures(launch: str, known: Sequence[SignatureName], given: Sequence[str]) -> list[SignatureName]:
    """Find signatures by their fingerprints or what they begin with, each once, in the order given.

    Raises NoSuchSignature for one that is unknown, naming the nearest, or that several begin with, naming those.
    """
    by_name = {each.fingerprint: each for each in known}
    found: dict[str, SignatureName] = {}
    for text in given:
        wanted = text.strip().lower()
        if len(wanted) < SHORTEST:
            raise BadUsage(f"{text!r} is too short to name one: write at least {SHORTEST} digits of a fingerprint")
        begun = [each for each in known if each.fingerprint.startswith(wanted)]
        fits = [by_name[wanted]] if wanted in by_name else begun
        if len(fits) > 1:
            several = ", ".join(f"{each.fingerprint} ({_brief(each)})" for each in fits[:4])
            raise NoSuchSignature(f'{len(fits)} fingerprints of {launch} begin with "{wanted}": {several}')
        if not fits:
            told = make_printable(wanted, 40)
            raise NoSuchSignature(f'{launch} has no fingerprint "{told}".{_suggest(launch, wanted, known)}')
        found[fits[0].fingerprint] = fits[0]
    return list(found.values())


def _decide(
    settings: ConsoleSettings, launch: str, given: tuple[str, ...], state: str, reason: str, in_json: bool, then: str
) -> None:
    with open_postgres(settings) as connection:
        read_launch_record(connection, launch)
        chosen = find_signatures(launch, read_signature_names(connection, launch), given)
        decisions = decide_signatures(
            connection,
            launch,
            [each.fingerprint for each in chosen],
            state,
            actor=current_actor(),
            reason=reason.strip(),
        )
        connection.commit()
    if in_json:
        print_json([{**asdict(decision), "changed": decision.was != decision.now} for decision in decisions])
        return
    changed = [decision for decision in decisions if decision.was != decision.now]
    now = {"open": "open again"}.get(state, state)
    if changed:
        print_line(
            f"{format_plural(len(changed), 'kind')} of mismatch {'is' if len(changed) == 1 else 'are'} {now}.",
            style=GOOD,
        )
    else:
        print_line(f"Nothing to do: {'it is' if len(decisions) == 1 else 'all are'} {state} already.")
    for decision in decisions:
        already = " (already)" if decision.was == decision.now and changed else ""
        for line in wrap_text(f"{decision.fingerprint}  {_brief(decision)}{already}", "  ", " " * 14):
            print_line(line)
    if then and changed:
        for line in wrap_text(then):
            print_line(line)
    print_line(f"Next: darklaunch mismatches {launch}{'' if state == 'open' else f' --state {state}'}")


def _brief(one: SignatureName | SignatureDecision) -> str:
    return f"{make_printable(one.endpoint, 60)} {make_printable(one.title, 90)}"


def _suggest(launch: str, wanted: str, known: Sequence[SignatureName]) -> str:
    near = difflib.get_close_matches(wanted, [each.fingerprint for each in known], n=1, cutoff=0.6)
    begun = [each.fingerprint for each in known if each.fingerprint[:SHORTEST] == wanted[:SHORTEST]]
    if meant := (near or begun):
        one = next(each for each in known if each.fingerprint == meant[0])
        return f' Did you mean "{one.fingerprint}" ({_brief(one)})?'
    return f" They are listed by `darklaunch mismatches {launch} --all`." if known else " Nothing differed in it yet."
