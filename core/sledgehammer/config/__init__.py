"""`sledge.yaml`: frozen dataclasses say what may be written; parser and JSON Schema follow from them."""

from sledgehammer.config.load import load_project, parse_project
from sledgehammer.config.schema import project_schema

__all__ = ["load_project", "parse_project", "project_schema"]
