"""Read the fields of a form as a document: `$.name`, `$.tag[1]` of a field that is there more than once."""

from typing import Final
from urllib.parse import parse_qsl

from darklaunch_comparator.errors import ComparatorError

from .model import Json

_FIELDS_CAP: Final = 10_000


class TooManyFields(ComparatorError):
    """A form has more fields than are compared; the message says how many that is."""


def parse_form(text: bytes) -> dict[str, Json]:
    """Return the fields of a form in UTF-8. Raises TooManyFields."""
    try:
        pairs = parse_qsl(
            text.decode("utf-8", "surrogateescape"),
            keep_blank_values=True,
            errors="surrogateescape",
            max_num_fields=_FIELDS_CAP,
        )
    except ValueError:
        raise TooManyFields(f"a form has more than {_FIELDS_CAP:,} fields") from None
    fields: dict[str, list[Json]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}
