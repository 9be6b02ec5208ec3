"""Options of the commands that run a part, and how they override the settings of the environment."""

from __future__ import annotations

from typing import Any, TypeVar

import click
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)

name_option = click.option("--name", default="", metavar="NAME", help="Name of this process in logs and `backlog`.")


def override_settings(settings: Model, **options: Any) -> Model:
    """Return settings with the options that are not None in place of their values.

    Raises pydantic.ValidationError when a value is invalid.
    """
    given = {name: value for name, value in options.items() if value is not None}
    return type(settings).model_validate({**settings.model_dump(), **given})


def describe_invalid(invalid: ValidationError) -> str:
    """Return what is wrong with settings: `concurrency: Input should be greater than or equal to 1`."""
    return "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in invalid.errors())
