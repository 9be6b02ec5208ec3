"""What an operator decides about differences: the rule set, its file form, and what comparators compile it to."""

from .compilation import NO_BOOK, WITHHELD, RuleBook, compile_rules, compile_stored, masks_lost, read_stored
from .file_format import read_file, write_toml
from .model import Rule, RuleSet, rule_id, store
from .validation import MOST_RULES, RuleProblem, check

__all__ = [
    "MOST_RULES",
    "NO_BOOK",
    "WITHHELD",
    "Rule",
    "RuleBook",
    "RuleProblem",
    "RuleSet",
    "check",
    "compile_rules",
    "compile_stored",
    "masks_lost",
    "read_file",
    "read_stored",
    "rule_id",
    "store",
    "write_toml",
]
