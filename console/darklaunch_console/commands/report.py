"""`report`: the evidence of a launch, for people, for documents and for programs."""

from __future__ import annotations

from dataclasses import replace

import click

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import BadUsage
from darklaunch_console.output.screen import BAD, GOOD, QUIET, STRONG, json_option, print_json, print_line
from darklaunch_console.reports import coverage, sentences
from darklaunch_console.reports.evidence import ReportEvidence, gather_evidence
from darklaunch_console.reports.judgement import describe_verdict, list_details, read_judged_launch
from darklaunch_console.reports.layout import render_markdown, render_text, report_to_json
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
        found = read_judged_launch(connection, name)
        evidence = gather_evidence(connection, name)
        if found.judgement is not None:
            evidence = replace(evidence, verdict=(describe_verdict(found), *list_details(found)))
    if routes:
        show_coverage(evidence, in_json=in_json)
    else:
        show(evidence, markdown=markdown, in_json=in_json)


def show_coverage(evidence: ReportEvidence, *, in_json: bool) -> None:
    """Print which routes were judged, and what the others lack."""
    name, found = evidence.record.state.name, evidence.coverage
    if in_json:
        print_json({"launch": name, "coverage": None if found is None else coverage.coverage_to_json(found)})
    elif found is None:
        print_line(f"{name}: {coverage.UNKNOWN}", style=STRONG)
    else:
        print_line(f"{name}: {coverage.describe_coverage(found)}.", style=STRONG if found.rest else GOOD)
        for line in coverage.render_unjudged_routes(found):
            print_line(line)


def show(evidence: ReportEvidence, *, markdown: bool = False, in_json: bool = False) -> None:
    """Print a report in one of its forms."""
    if in_json:
        print_json(report_to_json(evidence))
    elif markdown:
        for line in render_markdown(evidence):
            print_line(line)
    else:
        for number, line in enumerate(evidence.verdict):
            print_line(f"  {line}" if number else line, style="" if number else STRONG)
        if evidence.verdict:
            print_line()
        print_line(
            sentences.describe_problems(evidence),
            style=BAD if evidence.problems else GOOD if evidence.compared else STRONG,
        )
        for line in render_text(evidence):
            print_line(line, style=QUIET if line.startswith("        ") else "")
