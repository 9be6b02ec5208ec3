"""Options that the running commands share."""

from __future__ import annotations

from typing import Any, TypeVar

import click
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)

name_option = click.option("--name", default="", metavar="NAME", help="What log lines call this process.")


def override_settings(settings: Model, **given: Any) -> Model:
    """Give settings with what options say in place of what the environment says; None says nothing.

    Raises pydantic.ValidationError when a value makes no sense.
    """
    said = {name: value for name, value in given.items() if value is not None}
    return type(settings).model_validate({**settings.model_dump(), **said})


def describe_invalid(wrong: ValidationError) -> str:
    """Say what is wrong with a setting: `concurrency: Input should be greater than or equal to 1`."""
    return "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in wrong.errors())
