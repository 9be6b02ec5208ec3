"""`report`: the evidence of a launch, for people, for documents and for programs."""

from __future__ import annotations

from dataclasses import replace

import click

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import BadUsage
from darklaunch_console.output.screen import BAD, GOOD, QUIET, STRONG, json_option, say, say_json
from darklaunch_console.reports import coverage, sentences
from darklaunch_console.reports.evidence import ReportEvidence, gather
from darklaunch_console.reports.judgement import details, headline, judged
from darklaunch_console.reports.layout import as_json, as_markdown, as_text
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres


@click.command(short_help="Say what is known: problems, ledger, latency.")
@click.argument("name", callback=check_launch_name)
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request or a page.")
@click.option("--coverage", "routes", is_flag=True, help="Say which of the app's routes were mirrored and judged.")
@json_option
@click.pass_obj
def report(settings: ConsoleSettings, name: str, markdown: bool, routes: bool, in_json: bool) -> None:
    """Say what is known of a launch: the verdict, its problems, then the ledger, latency, and what was excused."""
    if markdown and (in_json or routes):
        raise BadUsage("--markdown is a form of the whole report: leave --json and --coverage out")
    with open_postgres(settings) as connection:
        found = judged(connection, name)
        evidence = gather(connection, name)
        if found.judgement is not None:
            evidence = replace(evidence, verdict=(headline(found), *details(found)))
    if routes:
        show_coverage(evidence, in_json=in_json)
    else:
        show(evidence, markdown=markdown, in_json=in_json)


def show_coverage(evidence: ReportEvidence, *, in_json: bool) -> None:
    """Print which routes were judged, and what the others lack."""
    name, found = evidence.record.state.name, evidence.coverage
    if in_json:
        say_json({"launch": name, "coverage": None if found is None else coverage.as_values(found)})
    elif found is None:
        say(f"{name}: {coverage.UNKNOWN}", style=STRONG)
    else:
        say(f"{name}: {coverage.sentence(found)}.", style=STRONG if found.rest else GOOD)
        for line in coverage.as_lines(found):
            say(line)


def show(evidence: ReportEvidence, *, markdown: bool = False, in_json: bool = False) -> None:
    """Print a report in one of its forms."""
    if in_json:
        say_json(as_json(evidence))
    elif markdown:
        for line in as_markdown(evidence):
            say(line)
    else:
        for number, line in enumerate(evidence.verdict):
            say(f"  {line}" if number else line, style="" if number else STRONG)
        if evidence.verdict:
            say()
        say(sentences.headline(evidence), style=BAD if evidence.problems else GOOD if evidence.compared else STRONG)
        for line in as_text(evidence):
            say(line, style=QUIET if line.startswith("        ") else "")
