"""Places in a response: how they are written, and which of the paths that rules are written with cover them."""

from .json_place import ROOT, JsonPlace, write_step
from .line_shape import TextShape, read_shape
from .path_index import PathIndex, PathPositions, advance, is_covered, leads_to
from .path_step import BadPath, PathStep
from .place import STATUS, Place, Token, write_header_place
from .rule_path import RulePath, parse_body_path, parse_rule_path
from .text_path import is_text_path
from .text_place import LINE, PART, TOP, TextPlace, write_label

__all__ = [
    "LINE",
    "PART",
    "ROOT",
    "STATUS",
    "TOP",
    "BadPath",
    "JsonPlace",
    "PathIndex",
    "PathPositions",
    "PathStep",
    "Place",
    "RulePath",
    "TextPlace",
    "TextShape",
    "Token",
    "advance",
    "is_covered",
    "is_text_path",
    "leads_to",
    "parse_body_path",
    "parse_rule_path",
    "read_shape",
    "write_header_place",
    "write_label",
    "write_step",
]
