"""Build contexts: which files there are, which of them a target uses, and the key that they make."""

from sledgehammer.context.commit_tree import CommitTree
from sledgehammer.context.content_key import KeyRecipe, NoKey, content_key, key_recipe
from sledgehammer.context.listing import ContextFile, FileKind, Tree
from sledgehammer.context.work_tree import WorkTree

__all__ = [
    "CommitTree",
    "ContextFile",
    "FileKind",
    "KeyRecipe",
    "NoKey",
    "Tree",
    "WorkTree",
    "content_key",
    "key_recipe",
]
