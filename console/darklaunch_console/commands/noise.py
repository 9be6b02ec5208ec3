"""`noise`: the places that differ within one version, how often, and how they are compared."""

from __future__ import annotations

import click
from darklaunch_comparator.noise.learning import NoiseState
from darklaunch_comparator.store.noise import read_noise_changes

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.output.screen import (
    GOOD,
    QUIET,
    STRONG,
    json_option,
    print_json,
    print_line,
    print_lines,
    wrap_text,
)
from darklaunch_console.output.text import format_plural
from darklaunch_console.reports.noise_baseline import read_baseline
from darklaunch_console.reports.noise_text import (
    CHANGES_LISTED,
    describe_noise,
    describe_second_replays,
    learns_noise,
    noise_to_json,
    render_changes,
    render_places,
)
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import open_postgres


@click.command(short_help="List what differs within one version, and is excused for it.")
@click.argument("name", callback=check_launch_name)
@click.option("--all", "every", is_flag=True, help="Also identifiers that stay the same.")
@json_option
@click.pass_obj
def noise(settings: ConsoleSettings, name: str, every: bool, in_json: bool) -> None:
    """List the places where one version differs from itself, and how they are compared because of that.

    A share of the reads is replayed once more, to the control or else to the shadow; docs/COMPARING.md says what is
    learned from it and when. `by type` and `by shape` excuse other values of the same type or shape, `by value` excuses
    none, `reported` differs far more in the shadow than within one version, and `learning` is not decided yet.
    """
    with open_postgres(settings) as connection:
        spec = read_launch_record(connection, name).state.spec
        baseline = read_baseline(connection, name)
        changes = read_noise_changes(connection, name, CHANGES_LISTED + 1)
    if in_json:
        print_json(noise_to_json(name, spec, baseline, changes))
        return
    for line in wrap_text(describe_noise(name, spec, baseline)):
        print_line(line, style=GOOD if baseline.pairs else STRONG)
    if baseline.pairs or learns_noise(spec):
        print_lines(wrap_text(describe_second_replays(spec, baseline), "  "))
    listed = [place for place in baseline.places if every or place.state != NoiseState.STABLE]
    if listed:
        print_lines(["", *render_places(listed, spec)])
    if hidden := len(baseline.places) - len(listed):
        identifiers = format_plural(hidden, "identifier")
        print_line()
        print_line(f"{identifiers} that one version repeats: compared by value. --all lists them.", style=QUIET)
    if changes:
        print_lines(["", "Learned, latest first", *render_changes(changes)])
