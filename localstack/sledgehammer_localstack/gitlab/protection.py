"""Which branches and tags are protected and who may push or create them."""

from fnmatch import fnmatchcase

from sledgehammer_localstack.gitlab.records import Project, ProtectedBranch, ProtectedTag
from sledgehammer_localstack.gitlab.store import Store


def protections(store: Store, project: Project) -> list[ProtectedBranch]:
    """All rules of a project."""
    return store.all(ProtectedBranch, "SELECT * FROM protected_branches WHERE project_id = ? ORDER BY id", project.id)


def protection_of(store: Store, project: Project, branch: str) -> ProtectedBranch | None:
    """The rule that covers a branch: its own first, then the most open wildcard (GitLab's order)."""
    rules = [rule for rule in protections(store, project) if _covers(rule.name, branch)]
    rules.sort(key=lambda rule: (rule.name != branch, rule.push_level or 99))
    return rules[0] if rules else None


def is_protected_ref(store: Store, project: Project, ref: str, *, is_tag: bool) -> bool:
    """Whether protected variables reach a pipeline of this ref."""
    if is_tag:
        return any(_covers(rule.name, ref) for rule in tag_protections(store, project))
    return protection_of(store, project, ref) is not None


def tag_protections(store: Store, project: Project) -> list[ProtectedTag]:
    """All rules for tags of a project."""
    return store.all(ProtectedTag, "SELECT * FROM protected_tags WHERE project_id = ? ORDER BY id", project.id)


def may_create_tag(store: Store, project: Project, tag: str, *, level: int) -> bool:
    """Whether a member of that level may: of several rules that cover a tag the most open counts."""
    levels = [rule.create_level for rule in tag_protections(store, project) if _covers(rule.name, tag)]
    return not levels or any(0 < needed <= level for needed in levels)


def _covers(pattern: str, branch: str) -> bool:
    return fnmatchcase(branch, pattern.replace("[", "[[]").replace("?", "[?]"))
