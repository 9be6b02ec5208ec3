"""`report`: the evidence of a launch, for people, for documents and for programs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import click

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import BadUsage
from darklaunch_console.output.screen import (
    GOOD,
    STRONG,
    json_option,
    print_json,
    print_lines,
    print_styled,
    wrap_text,
)
from darklaunch_console.reports.coverage import UNKNOWN, coverage_to_json, describe_coverage, render_unjudged_routes
from darklaunch_console.reports.evidence import ReportEvidence, gather_evidence
from darklaunch_console.reports.judgement import read_judged_launch
from darklaunch_console.reports.report_json import report_to_json
from darklaunch_console.reports.report_markdown import render_markdown
from darklaunch_console.reports.report_text import render_report
from darklaunch_console.reports.time_range import choose_time_range
from darklaunch_console.reports.verdict_text import describe_verdict, list_details
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres


@click.command(short_help="Report what is known: verdict, problems, ledger, latency.")
@click.argument("name", callback=check_launch_name)
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request or a page.")
@click.option("--all", "complete", is_flag=True, help="Show everything, however long; else two screens at most.")
@click.option("--coverage", "routes", is_flag=True, help="Say which of the app's routes were mirrored and judged.")
@click.option("--since", default="", metavar="WHEN", help="Only what was captured since then: 15m, or a time.")
@click.option("--until", default="", metavar="WHEN", help="Only what was captured before then.")
@click.option("--build", default="", metavar="NAME", help="Only since this build of the shadow responded first.")
@json_option
@click.pass_obj
def report(
    settings: ConsoleSettings,
    /,
    name: str,
    *,
    markdown: bool,
    complete: bool,
    routes: bool,
    since: str,
    until: str,
    build: str,
    in_json: bool,
) -> None:
    """Report what is known of a launch: the verdict, its problems, then the ledger, latency, and what was excused."""
    if markdown and (in_json or routes):
        raise BadUsage("--markdown is a form of the whole report: leave --json and --coverage out")
    with open_postgres(settings) as connection:
        judged = read_judged_launch(connection, name)
        span = choose_time_range(connection, name, since=since, until=until, build=build, now=datetime.now(UTC))
        evidence = gather_evidence(connection, name, span)
        if judged.judgement is not None:
            evidence = replace(evidence, verdict=(describe_verdict(judged), *list_details(judged)))
    if routes:
        _print_routes(evidence, in_json=in_json)
    elif in_json:
        print_json(report_to_json(evidence))
    elif markdown:
        print_lines(render_markdown(evidence))
    else:
        print_styled(render_report(evidence, complete=complete))


def _print_routes(evidence: ReportEvidence, *, in_json: bool) -> None:
    name, coverage = evidence.record.state.name, evidence.coverage
    if in_json:
        print_json({"launch": name, "coverage": None if coverage is None else coverage_to_json(coverage)})
    elif coverage is None:
        print_styled((line, STRONG) for line in wrap_text(f"{name}: {UNKNOWN}"))
    else:
        style = STRONG if coverage.rest else GOOD
        print_styled((line, style) for line in wrap_text(f"{name}: {describe_coverage(coverage)}.", more="  "))
        print_lines(render_unjudged_routes(coverage))
