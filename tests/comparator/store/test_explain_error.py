"""A Postgres error in one line: what is wrong, with which server, what to do, and never the password."""

import psycopg
import pytest
from darklaunch_comparator.store.explain_error import PostgresProblem, describe_server, explain_postgres_error

DSN = "postgresql://shop:secret@db.example:6543/shop"
WHERE = "Postgres at db.example:6543"


@pytest.mark.parametrize(
    ("error", "problem", "start"),
    [
        (psycopg.errors.UndefinedTable("x"), PostgresProblem.NOT_MIGRATED, "has no darklaunch tables yet"),
        (psycopg.errors.UndefinedColumn("x"), PostgresProblem.NOT_MIGRATED, "has the tables of another release"),
        (psycopg.errors.InsufficientPrivilege("no"), PostgresProblem.NOT_PERMITTED, "does not let shop do that"),
        (psycopg.OperationalError("Connection refused"), PostgresProblem.UNREACHABLE, "refused the connection"),
        (psycopg.OperationalError("no password supplied"), PostgresProblem.ACCESS_REFUSED, "wants a password"),
        (psycopg.OperationalError("FATAL: on fire"), PostgresProblem.UNREACHABLE, "cannot be used"),
        (psycopg.errors.DivisionByZero("by 0"), PostgresProblem.STATEMENT_FAILED, "answered: by 0"),
    ],
)
def test_the_line_names_server_problem_and_setting(error: psycopg.Error, problem: PostgresProblem, start: str) -> None:
    explanation = explain_postgres_error(error, DSN)
    assert explanation.problem is problem
    assert explanation.text.startswith(f"{WHERE} {start}")
    assert "(DATABASE_URL)" in explanation.text
    assert "secret" not in explanation.text


def test_advice_about_a_server_that_does_not_run_is_the_callers() -> None:
    refused = psycopg.OperationalError("connection to server failed: Connection refused")
    assert explain_postgres_error(refused, DSN).text.endswith("Start it, or set DATABASE_URL")
    assert explain_postgres_error(refused, DSN, start_advice="Start it").text.endswith("(DATABASE_URL). Start it")


def test_a_part_of_a_password_is_no_host() -> None:
    unknown_host = psycopg.OperationalError("failed to resolve host 'Pass@db.example'")
    explanation = explain_postgres_error(unknown_host, "postgresql://me:Secr3t@Pass@db.example/shop")
    assert explanation.text == "DATABASE_URL is not the URL of a Postgres: write @ as %40 in its password"


def test_a_url_that_cannot_be_read_is_not_repeated() -> None:
    unreadable = psycopg.ProgrammingError('invalid dsn: missing "=" after "secret"')
    explanation = explain_postgres_error(unreadable, "secret", source="--database")
    assert explanation.problem is PostgresProblem.BAD_URL
    assert "secret" not in explanation.text
    assert describe_server("secret") == "Postgres"


@pytest.mark.parametrize(
    ("query", "advice"),
    [
        (
            "pgbouncer=true",
            "it has the parameter pgbouncer, which Postgres does not know (it is one of Prisma)",
        ),
        (
            "schema=public",
            "it has the parameter schema, which Postgres does not know (it is one of Prisma)",
        ),
        ("sslmod=require", "it has the parameter sslmod, which Postgres does not know: did you mean sslmode?"),
    ],
)
def test_a_parameter_of_another_program_is_named(query: str, advice: str) -> None:
    dsn = f"postgresql://me:secret@127.0.0.1:1/db?{query}"
    with pytest.raises(psycopg.ProgrammingError) as unreadable:
        psycopg.connect(dsn)
    text = explain_postgres_error(unreadable.value, dsn).text
    assert text.startswith(f"DATABASE_URL is not the URL of a Postgres: {advice}")
    assert "secret" not in text
