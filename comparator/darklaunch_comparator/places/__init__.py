"""Places in a response: how they are written, and which of the paths that rules are written with cover them."""

from .json_place import ROOT, JsonPlace, write_step
from .path_index import PathIndex, PathPositions, advance, is_covered
from .place import STATUS, Place, Token, write_header_place
from .rule_path import BadPath, PathStep, RulePath, parse_body_path, parse_rule_path

__all__ = [
    "ROOT",
    "STATUS",
    "BadPath",
    "JsonPlace",
    "PathIndex",
    "PathPositions",
    "PathStep",
    "Place",
    "RulePath",
    "Token",
    "advance",
    "is_covered",
    "parse_body_path",
    "parse_rule_path",
    "write_header_place",
    "write_step",
]
