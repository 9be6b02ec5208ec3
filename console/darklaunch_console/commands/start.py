"""`start`: begin a launch, after looking at everything that can be wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TextIO

import click
from darklaunch_comparator.errors import LaunchExists
from darklaunch_comparator.judging.policy import JudgeMode, JudgePolicy
from darklaunch_comparator.judging.policy_file import read_policy, write_policy
from darklaunch_comparator.store.launches import LaunchAct, create_launch, get_launch
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus

from darklaunch_console.cli.arguments import (
    check_launch_name,
    make_duration_callback,
    read_optional_percentage,
    read_percentage,
)
from darklaunch_console.errors import ConsoleError
from darklaunch_console.launches.change import current_actor, launch_as_json, publish_change, read_published
from darklaunch_console.launches.description import JUDGE_MODE_WORDS, STATUS_WORDS, describe_mirroring
from darklaunch_console.launches.origins import resolve_called_origins
from darklaunch_console.launches.shadow_probe import ProbeResult
from darklaunch_console.launches.specification import build_spec
from darklaunch_console.output.numbers import format_ms, format_percent
from darklaunch_console.output.screen import GOOD, json_option, make_printable, print_json, print_line, print_warning
from darklaunch_console.output.text import format_plural
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis
from darklaunch_console.stores.processes import list_live_hooks
from darklaunch_console.stores.streams import read_captured_origins, read_recorded_origins

from .policy import chosen, forecast

ADD_THE_HOOK = "app.add_middleware(darklaunch.CaptureMiddleware), with DARKLAUNCH_REDIS_URL in its environment"
PERCENT = 10.0
MIRRORED_WRITES = "allow one with --allow 'POST /path'"


@dataclass(frozen=True, slots=True)
class LaunchSurroundings:
    """What was found around a new launch: the answers of shadow and control, and the app processes with the hook."""

    answer: ProbeResult
    control: ProbeResult | None
    hooks: int
    apps: tuple[str, ...]


@click.command()
@click.argument("name", callback=check_launch_name)
@click.option("--shadow", required=True, metavar="URL", help="Where the version under test answers: http://HOST:PORT.")
@click.option(
    "--percent",
    callback=read_optional_percentage,
    metavar="N",
    help="Share of requests to mirror.  [default: 10, or the first step of --ramp auto]",
)
@click.option("--allow", multiple=True, metavar="'METHOD /PATH'", help="Mirror this write too; * is one segment.")
@click.option("--only", multiple=True, metavar="PATTERN", help="Mirror only paths like this: /api/**.")
@click.option("--skip", multiple=True, metavar="PATTERN", help="Never mirror paths like this.")
@click.option(
    "--max-latency-diff",
    callback=make_duration_callback(0.001, 600),
    default="2000ms",
    metavar="TIME",
    help="A replay slower than the primary by more is slow.  [default: 2000ms]",
)
@click.option(
    "--sticky", default="", metavar="KEY", help="Sample by header:NAME, cookie:NAME or client, not at random."
)
@click.option("--ignore", multiple=True, metavar="PATH", help="Excuse differences there: $.path or header:NAME.")
@click.option("--no-compare", is_flag=True, help="Record status and latency only.")
@click.option("--max-rps", type=click.FloatRange(min=0), default=0.0, metavar="N", help="Requests a second, at most.")
@click.option(
    "--max-age",
    callback=make_duration_callback(1, 86_400),
    default="300s",
    metavar="TIME",
    help="Do not replay what is older.  [default: 300s]",
)
@click.option(
    "--control", default="", metavar="URL", help="A second instance of the primary's version, to learn noise."
)
@click.option(
    "--noise",
    callback=read_percentage,
    default="10",
    metavar="N",
    help="Share of reads replayed once more, to --control or the shadow; 0: none.  [default: 10]",
)
@click.option("--host", type=click.Choice(["shadow", "preserve"]), default="shadow", help="Whose Host header is sent.")
@click.option("--allow-private-metadata", is_flag=True, help="Let the shadow be a link-local or metadata address.")
@click.option("--seal", is_flag=True, help="Send the shadow the users' credentials, sealed on the way.")
@click.option("--shards", type=click.IntRange(1, 64), default=1, metavar="N", help="Streams to spread the launch over.")
@click.option(
    "--ramp",
    type=click.Choice([mode.value for mode in JudgeMode]),
    help="auto: raise the share, promote, roll back; manual: roll back; advise: never act.  [default: advise]",
)
@click.option("--policy", type=click.File(), metavar="FILE", help="What it is judged by, TOML or JSON.")
@click.option("--build-header", default="", metavar="NAME", help="The shadow's header that names its build.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the event.")
@json_option
@click.pass_obj
def start(
    settings: ConsoleSettings,
    /,
    name: str,
    percent: float | None,
    reason: str,
    in_json: bool,
    ramp: str | None,
    policy: TextIO | None,
    **options: Any,
) -> None:
    """Start a launch: mirror a share of the real requests to a shadow, after the users have been answered.

    Reads (GET, HEAD, OPTIONS) are mirrored; a write only where --allow names its method and path.

    \b
      darklaunch start checkout-v2 --shadow http://10.0.3.7:8000
      darklaunch start search-v3 --shadow http://search --allow 'POST /search'
    """
    judged = chosen(policy, (f'mode="{ramp}"',) if ramp else (), JudgePolicy())
    if percent is None:
        percent = judged.steps[0].percent if judged.mode is JudgeMode.AUTO else PERCENT
    spec = build_spec(**options, author=current_actor(), reason=reason)
    spec = replace(spec, policy=write_policy(judged) if judged != JudgePolicy() else "")
    places = resolve_called_origins(spec)
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        captured = {*read_captured_origins(redis), *read_recorded_origins(connection)}
        for place in places:
            place.refuse_primary(captured)
        answers = {place.role: place.probe() for place in places}
        above, _ = read_published(redis, name)
        try:
            record = create_launch(
                connection, name, spec, LaunchAct(current_actor(), "started", reason), percent=percent, above=above
            )
        except LaunchExists:
            raise ConsoleError(_exists(get_launch(connection, name).state)) from None
        connection.commit()
        publish_change(redis, record, lift_hold=True)
        hooks = list_live_hooks(redis)
        apps = tuple(sorted({str(hook.about.get("app", "")) for hook in hooks}))
        found = LaunchSurroundings(answers["shadow"], answers.get("control"), len(hooks), apps)
    if in_json:
        print_json(_as_json(record.state, found))
    else:
        _tell(record.state, found)


def _exists(state: LaunchState) -> str:
    name, where = state.name, f"it mirrors to {state.spec.shadow}"
    if state.status is LaunchStatus.ACTIVE and not state.hold:
        return (
            f'there is a launch "{name}" already, active at {format_percent(state.percent)}; {where}. '
            f"Change its share with "
            f"`darklaunch ramp {name} PERCENT`, or choose another name"
        )
    word = "held" if state.status is LaunchStatus.ACTIVE else STATUS_WORDS[state.status]
    return (
        f'there is a launch "{name}" already, {word}; {where}. Go on with it: `darklaunch resume {name}`, '
        "or choose another name: the evidence of two launches must not be mixed"
    )


def _tell(state: LaunchState, found: LaunchSurroundings) -> None:
    print_line(f"{state.name} is active: {describe_mirroring(state)}", style=GOOD)
    notes: list[str] = []
    if not found.answer.trouble:
        notes.append(f"Shadow answers (HTTP {found.answer.status} in {format_ms(found.answer.took_ms)}).")
    if found.control and not found.control.trouble:
        notes.append(f"Control answers (HTTP {found.control.status} in {format_ms(found.control.took_ms)}).")
    if found.hooks:
        are = "is" if found.hooks == 1 else "are"
        notes.append(f"{format_plural(found.hooks, 'app process', 'app processes')} with the hook {are} listening.")
    if not state.spec.allow:
        notes.append(f"Writes are not mirrored ({MIRRORED_WRITES}).")
    if notes:
        print_line(f"  {' '.join(notes)}")
    if baseline := _baseline(state):
        print_line(f"  {baseline}")
    judged = read_policy(state.spec.policy)
    if judged.mode is not JudgeMode.ADVISE:
        print_line(f"  The judge {JUDGE_MODE_WORDS[judged.mode]}.")
    if judged != JudgePolicy(mode=judged.mode):
        print_line(f"  {forecast(judged, 0.0)}")
    if len(found.apps) > 1 and not state.spec.only:
        named = ", ".join(make_printable(app, 40) for app in found.apps[:5])
        print_line(
            f"  Several apps are mirrored: {named}. If the shadow serves one of them, name its paths with --only."
        )
    if not found.hooks:
        print_line(f"  No app with the hook has been seen on this Redis. Add it: {ADD_THE_HOOK}")
    print_line(f"  Next: darklaunch watch {state.name}")
    if found.answer.trouble:
        print_warning(
            f"the shadow {state.spec.shadow} {make_printable(found.answer.trouble)}. Requests are mirrored "
            f"all the same "
            f"and count as shadow errors; `darklaunch pause {state.name}` stops that."
        )

    if found.control and found.control.trouble:
        print_warning(
            f"the control {state.spec.control} {make_printable(found.control.trouble)}. Until it answers, nothing is "
            "learned about noise; the launch goes on."
        )


def _baseline(state: LaunchState) -> str:
    """Say who is asked a second time, to learn which differences are noise; "" when nobody is."""
    spec = state.spec
    if not (spec.compare and spec.noise_percent):
        return ""
    whom = f"to the control {spec.control} as well" if spec.control else "to the shadow a second time"
    return f"To learn what is noise, {format_percent(spec.noise_percent)} of the reads go {whom}."


def _as_json(state: LaunchState, found: LaunchSurroundings) -> dict[str, object]:
    answer = found.answer
    return launch_as_json(
        state,
        changed=True,
        shadow_answers=not answer.trouble,
        shadow_status=answer.status or None,
        shadow_ms=round(answer.took_ms, 1),
        shadow_trouble=answer.trouble or None,
        shadow_has_hook=answer.hook,
        control=state.spec.control or None,
        control_answers=None if found.control is None else not found.control.trouble,
        control_trouble=(found.control and found.control.trouble) or None,
        noise_percent=state.spec.noise_percent,
        hooks=found.hooks,
        apps=found.apps,
    )
