"""`include:local`: files of the same commit merged below the file that includes them.

Source: docs.gitlab.com, ci/yaml/includes. Other sources than local are refused by name.
"""

from sledgehammer_localstack.ci.errors import CiConfigError, Problems
from sledgehammer_localstack.ci.globs import matches_any
from sledgehammer_localstack.ci.model import Variable
from sledgehammer_localstack.ci.reading import as_record, as_text, flattened
from sledgehammer_localstack.ci.rules import RuleContext, first_match, parse_rules
from sledgehammer_localstack.ci.source import PipelineSource
from sledgehammer_localstack.ci.tree import Mapping, Tree, load_tree, merged
from sledgehammer_localstack.ci.variables import as_mapping, expand_text, expanded_values, layered

MAX_DEPTH = 100
_ELSEWHERE = ("remote", "template", "project", "file", "ref", "component", "artifact", "job", "inputs", "integrity")
_RULE_KEYS = ("if", "exists", "changes", "when")


def load_with_includes(source: PipelineSource) -> Mapping:
    """The CI file with all includes merged in, without the key `include`. Raises CiConfigError."""
    text = source.read_file(source.config_path)
    if text is None:
        raise CiConfigError(f"{source.config_path}: no such file in this commit")
    return _Loader(source).load(source.config_path, text, ())


class _Loader:
    def __init__(self, source: PipelineSource) -> None:
        self._source = source
        self._variables: tuple[Variable, ...] = layered(source.predefined, source.settings, source.given)

    def load(self, path: str, text: str, trail: tuple[str, ...]) -> Mapping:
        if path in trail or len(trail) > MAX_DEPTH:
            raise CiConfigError(f"{path}: this file includes itself, by {' -> '.join((*trail, path))}")
        tree = load_tree(text, path)
        entries = tree.pop("include", None)
        below: Mapping = {}
        problems = Problems()
        for entry in flattened(entries if isinstance(entries, list) else [entries], "include"):
            with problems.gathering():
                for included in self._paths(entry):
                    below = merged(below, self._load_included(included, (*trail, path)))
        problems.raise_any()
        return merged(below, tree)

    def _load_included(self, path: str, trail: tuple[str, ...]) -> Mapping:
        text = self._source.read_file(path)
        if text is None:
            raise CiConfigError(f"Local file `{path}` does not exist!")
        return self.load(path, text, trail)

    def _paths(self, entry: Tree) -> list[str]:
        if entry is None:
            return []
        if isinstance(entry, dict):
            record = as_record(entry, "include", known=("local", "rules"), refused=_ELSEWHERE)
            if "rules" in record and not self._is_wanted(record["rules"]):
                return []
            entry = record.get("local")
        written = as_text(entry, "include:local")
        if "://" in written:
            raise CiConfigError(f"include of `{written}` uses `remote`, which the local GitLab does not support")
        path = expand_text(written, expanded_values(self._variables)).lstrip("/")
        if not path.endswith((".yml", ".yaml")):
            raise CiConfigError(f"Included file `{path}` does not have YAML extension!")
        if "*" not in path:
            return [path]
        return sorted(name for name in self._source.list_files() if matches_any([path], [name]))

    def _is_wanted(self, rules: Tree) -> bool:
        parsed = parse_rules(rules, "include:rules", known=_RULE_KEYS)
        context = RuleContext(source=self._source, values=as_mapping(self._variables), variables=self._variables)
        match = first_match(parsed, context)
        return match is not None and match.when != "never"
