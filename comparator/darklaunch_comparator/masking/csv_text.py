"""Mask cells in the text of a CSV table by the names of their columns, and leave every other byte of it as it was."""

from collections.abc import Callable, Collection

from darklaunch_comparator.content import CsvTable, read_csv
from darklaunch_comparator.credentials import is_credential_field

from .mask_places import MaskPlaces
from .placeholders import Placeholders


class CsvTextMasker:
    """Masks columns of credentials, and those that the operator named: `$[*].email`.

    `mask_text` masks a cell of another column, for what it may hold.
    """

    def __init__(self, placeholders: Placeholders, places: MaskPlaces, mask_text: Callable[[str], str]) -> None:
        self._placeholders = placeholders
        self._places = places
        self._mask_text = mask_text

    def mask(self, text: str) -> str | None:
        """Mask a table; None if the text is none."""
        table = read_csv(text)
        if table is None:
            return None
        secret = self._find_columns(table)
        pieces: list[str] = []
        copied = 0
        for at_row, row in enumerate(table.rows):
            for at, cell in enumerate(row):
                is_secret = at in secret or (at < len(table.names) and self._is_named(at_row, table.names[at]))
                masked = self._placeholders.for_text(cell.value) if is_secret else self._mask_text(cell.value)
                if masked != cell.value:
                    pieces += (text[copied : cell.start], _write_cell(masked, table.separator))
                    copied = cell.end
        return "".join([*pieces, text[copied:]])

    def _find_columns(self, table: CsvTable) -> Collection[int]:
        return {at for at, name in enumerate(table.names) if is_credential_field(name)}

    def _is_named(self, row: int, name: str) -> bool:
        return bool(self._places.paths) and self._places.follow((row, name))[1]


def _write_cell(value: str, separator: str) -> str:
    if any(character in value for character in f'"\r\n{separator}'):
        return '"{}"'.format(value.replace('"', '""'))
    return value
