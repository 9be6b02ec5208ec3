"""What the content of a message is (RFC 9110 8): its media type, its charset, and its bytes without their codings."""

from .charset import to_text, to_utf8
from .csv_table import CsvCell, CsvTable, read_csv
from .decompress import INFLATED_CAP_BYTES, compute_cap_beside, inflate
from .errors import CorruptBody, InflatedTooLarge, UndecodableBody, UnsupportedCoding
from .markup import CODE, Element, MalformedMarkup, parse_html, parse_xml
from .media_type import BodyFamily, MediaType, choose_family, parse_media_type, read_content_headers
from .multipart import Part, split_multipart

__all__ = [
    "CODE",
    "INFLATED_CAP_BYTES",
    "BodyFamily",
    "CorruptBody",
    "CsvCell",
    "CsvTable",
    "Element",
    "InflatedTooLarge",
    "MalformedMarkup",
    "MediaType",
    "Part",
    "UndecodableBody",
    "UnsupportedCoding",
    "choose_family",
    "compute_cap_beside",
    "inflate",
    "parse_html",
    "parse_media_type",
    "parse_xml",
    "read_content_headers",
    "read_csv",
    "split_multipart",
    "to_text",
    "to_utf8",
]
