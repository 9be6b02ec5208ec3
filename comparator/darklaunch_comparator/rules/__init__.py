"""The rules of an operator about differences: the rule set, its file form, and what comparators compile it to."""

from .compilation import (
    MASKS_UNREADABLE,
    NO_RULE_BOOK,
    RuleBook,
    compile_rules,
    compile_stored_rules,
    has_unreadable_masks,
    load_rules,
)
from .file_format import read_rules_file, write_rules_toml
from .model import Rule, RuleSet, compute_rule_id, dump_rules
from .validation import MOST_RULES, RuleProblem, check_rules

__all__ = [
    "MASKS_UNREADABLE",
    "MOST_RULES",
    "NO_RULE_BOOK",
    "Rule",
    "RuleBook",
    "RuleProblem",
    "RuleSet",
    "check_rules",
    "compile_rules",
    "compile_stored_rules",
    "compute_rule_id",
    "dump_rules",
    "has_unreadable_masks",
    "load_rules",
    "read_rules_file",
    "write_rules_toml",
]
