"""The table of commands: which there are, in which section of the help, with which line."""

from __future__ import annotations

from dataclasses import dataclass
from keyword import iskeyword
from typing import Final


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command: its name, its section and its line in the help."""

    name: str
    section: str
    summary: str

    @property
    def module(self) -> str:
        """The name of its module in `commands`, and of the click command in it; with a _ after a word of Python's."""
        return f"{self.name}_" if iskeyword(self.name) else self.name.replace("-", "_")


COMMANDS: Final = (
    CommandEntry("demo", "Run", "See a dark launch of a small shop, from start to promotion."),
    CommandEntry("up", "Run", "Run everything: servers unless URLs are set, workers, comparator."),
    CommandEntry("dashboard", "Run", "Show the launches in a browser."),
    CommandEntry("worker", "Run", "Replay captured requests to the shadows."),
    CommandEntry("comparator", "Run", "Compare responses and record the results."),
    CommandEntry("migrate", "Run", "Create or update the tables in Postgres."),
    CommandEntry("start", "Act", "Start a launch: mirror a share of the requests to a shadow."),
    CommandEntry("ramp", "Act", "Change the share of requests that is mirrored."),
    CommandEntry("policy", "Act", "Show or change the limits a launch is judged by."),
    CommandEntry("rules", "Act", "Show or change which differences are excused."),
    CommandEntry("rejudge", "Act", "Apply other rules to recorded mismatches, and see what is left."),
    CommandEntry("build", "Act", "Name the version that the shadow runs."),
    CommandEntry("pause", "Act", "Stop mirroring for a while; waiting exchanges are kept."),
    CommandEntry("resume", "Act", "Mirror again: end a pause, a hold or a rollback."),
    CommandEntry("promote", "Act", "End a launch as a success."),
    CommandEntry("rollback", "Act", "Stop a launch at once, even without Postgres."),
    CommandEntry("accept", "Act", "Declare mismatches intended."),
    CommandEntry("resolve", "Act", "Declare mismatches repaired."),
    CommandEntry("reopen", "Act", "Make accepted or resolved mismatches problems again."),
    CommandEntry("import", "Act", "Mirror recorded requests: HAR, JSON Lines, GoReplay, access logs."),
    CommandEntry("drain", "Act", "Wait until every sampled exchange has an outcome."),
    CommandEntry("list", "Look", "List the launches."),
    CommandEntry("show", "Look", "Show a launch: status, settings, history."),
    CommandEntry("report", "Look", "Show the verdict, the problems and the figures of a launch."),
    CommandEntry("watch", "Look", "Watch a launch live, until it is promoted or rolled back."),
    CommandEntry("verdict", "Look", "Answer promote, roll back or undecided, for scripts and CI."),
    CommandEntry("history", "Look", "List every decision about a launch, with its evidence."),
    CommandEntry("mismatches", "Look", "List the mismatches in groups, the most important first."),
    CommandEntry("noise", "Look", "List what differs between two replays of one version."),
    CommandEntry("inspect", "Look", "Show one exchange: request, both responses, their differences."),
    CommandEntry("curl", "Look", "Print curl commands that reproduce one exchange."),
    CommandEntry("doctor", "Maintain", "Check servers, processes and launches, and say what to do."),
    CommandEntry("backlog", "Maintain", "Show what waits, how old it is, and how fast it goes."),
    CommandEntry("dead", "Maintain", "Show dead letters, put them back, or delete them."),
    CommandEntry("audit", "Maintain", "Check that every sampled exchange has an outcome."),
    CommandEntry("redis-cli", "Maintain", "Send one command to Redis, where there is no redis-cli."),
    CommandEntry("bench", "Maintain", "Measure what the hook costs your own app, on this machine."),
)

SECTIONS: Final = {
    "Run": "Run it",
    "Act": "Act on a launch",
    "Look": "Look at the evidence",
    "Maintain": "Look after the pipeline",
}
