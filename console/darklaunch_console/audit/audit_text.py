"""What an audit found, in lines: whether the sum is right, what became of the exchanges, and what to do."""

from __future__ import annotations

from darklaunch_console.output.numbers import format_count, format_seconds
from darklaunch_console.output.screen import BAD, GOOD, QUIET, StyledLine, wrap_text
from darklaunch_console.output.text import format_plural

from .launch_audit import COUNT_S, RECORDED_OUTCOMES, LaunchAudit
from .producer_table import render_tables
from .strict import StrictAudit


def render_audit(audit: LaunchAudit, *, every: bool) -> list[StyledLine]:
    """Return the whole audit; `every` lists each process that has ended, too."""
    style = GOOD if audit.passed else BAD
    lines: list[StyledLine] = [(line, style) for line in wrap_text(_describe_balance(audit), more="  ")]
    lines += [(line, "") for line in wrap_text(_describe_outcomes(audit), "  ", "  ")]
    if audit.account.on_its_way:
        lines += [(line, "") for line in wrap_text(_describe_on_its_way(audit), "  ", "  ")]
    if audit.uninvited:
        lines += [(line, BAD) for line in wrap_text(_describe_uninvited(audit.uninvited), "  ", "  ")]
    lines += [(line, "") for line in render_tables(audit.account, audit.counts, every=every)]
    lines += _render_uncounted(audit)
    if audit.strict:
        lines += [("", ""), *_render_strict(audit.strict)]
    if not audit.account.balanced:
        lines += [("", ""), *((line, "") for line in _render_losses(audit))]
    return lines


def _describe_balance(audit: LaunchAudit) -> str:
    account = audit.account
    sampled = f"{format_count(account.sampled)} sampled"
    places = f"{format_count(account.finished)} with an outcome + {format_count(account.on_its_way)} on their way"
    if account.killed:
        places += f" + {format_count(account.killed)} gone with processes that were killed"
    if not account.balanced:
        return f"NOT BALANCED: {sampled}, but {places}: {format_count(account.lost)} lost"
    verdict = "balanced"
    if not audit.passed:
        verdict += ", but not done" if account.on_its_way else ", but its rows are not right"
    return f"{verdict}: {sampled} = {places}, 0 lost"


def _describe_outcomes(audit: LaunchAudit) -> str:
    account = audit.account
    counts = [f"{name.replace('_', ' ')} {format_count(account.outcomes.get(name, 0))}" for name in RECORDED_OUTCOMES]
    reasons = ", ".join(f"{name.replace('_', ' ')} {format_count(count)}" for name, count in account.dropped.items())
    dropped = f"dropped {format_count(sum(account.dropped.values()))}{f' ({reasons})' if reasons else ''}"
    return f"outcomes: {', '.join([*counts, dropped])}"


def _describe_on_its_way(audit: LaunchAudit) -> str:
    entries = audit.entries
    return (
        f"on their way: {format_count(audit.account.buffered)} in the apps' memory; "
        f"{format_count(entries.captures_unread)} waiting for a worker, "
        f"{format_count(entries.captures_pending)} with workers; "
        f"{format_count(entries.replays_unread)} waiting for a comparator, "
        f"{format_count(entries.replays_pending)} with comparators"
    )


def _describe_uninvited(uninvited: int) -> str:
    entries = format_plural(uninvited, "entry on its streams was", "entries on its streams were")
    return (
        f"{entries} not written by darklaunch. Where one took an exchange's number, its outcome may stand in the "
        "place of the exchange's. Set DARKLAUNCH_SIGNING_KEY, and give each part its own Redis user (docs/SECURITY.md)"
    )


def _render_uncounted(audit: LaunchAudit) -> list[StyledLine]:
    """Return what is missing from the tables because counting it took too long."""
    limit = format_seconds(COUNT_S)
    lines: list[StyledLine] = []
    if audit.account.entries is None:
        text = f"More is on the streams than can be counted by process in {limit}."
        lines += [("", ""), *((line, QUIET) for line in wrap_text(text))]
    if audit.counts is None and audit.strict is None:
        text = f"The rows take longer to count by process than {limit}: --strict gives them more."
        lines += [("", ""), *((line, QUIET) for line in wrap_text(text))]
    return lines


def _render_strict(strict: StrictAudit) -> list[StyledLine]:
    """Return how many rows were read, and each deviation with where to look."""
    if strict.rows is None:
        limit = format_seconds(strict.within_s)
        command = f"darklaunch audit {strict.launch} --strict --within {strict.within_s * 10:g}"
        return [
            (f"NOT READ: the rows take longer to count than {limit}.", BAD),
            (f"  Give it more: {command}", ""),
        ]
    lines: list[StyledLine] = []
    if not strict.deviations:
        total = format_count(sum(strict.rows.counts.values()))
        text = f"{total} rows read: each exchange has one, and they add up to every sum that is kept of them."
        lines += [(line, "") for line in wrap_text(text)]
    for deviation in strict.deviations:
        text = f"NOT EQUAL: {deviation.what}: {deviation.between}"
        lines += [(line, BAD) for line in wrap_text(text, more="  ")]
        lines.append((f"  {deviation.by:+,}. Look closer: {deviation.look}", ""))
    if strict.rows.forgotten_before:
        text = f"Rows before {strict.rows.forgotten_before} are past retention: only a surplus would show."
        lines += [(line, QUIET) for line in wrap_text(text)]
    return lines


def _render_losses(audit: LaunchAudit) -> list[str]:
    lines = [f"  {format_count(number)} {stage}" for stage, number in audit.where.items()]
    if audit.since:
        lines.append(f"  The first is missing after {audit.since}.")
    recorded_later = (
        "The comparator records what Redis lost as dropped (lost_in_redis), minutes later; then it balances again."
    )
    look = (
        f"Next: darklaunch doctor; darklaunch dead list {audit.launch}; "
        f"darklaunch redis-cli XINFO STREAM '{{dl:{audit.launch}:0}}:captures'"
    )
    return [*lines, *wrap_text(recorded_later, "  "), *wrap_text(look, "  ")]
