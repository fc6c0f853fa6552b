"""Projects, their variables, rules and branches as GraphQL's objects, as far as the caller may see them.

What a caller may not see is null, or left out of its list, without an error (GraphQL API docs, "Authorization").
"""

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError

from sledgehammer_localstack.gitlab.access import DEVELOPER, GUEST, MAINTAINER, may_see, project_level
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.git.repository import Repository
from sledgehammer_localstack.gitlab.graphql.pages import Object, connection
from sledgehammer_localstack.gitlab.present_projects import LEVEL_NAMES, repository_of
from sledgehammer_localstack.gitlab.protection import protections
from sledgehammer_localstack.gitlab.records import Project, ProtectedBranch, Variable

MOST_PATHS = 50


class Root:
    """What a query begins with, for one request. Its methods are the fields of `Query`."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def project(self, _info: object, *, fullPath: str) -> Object | None:  # noqa: N803 - GitLab's name
        """One by its path in any case."""
        return next((_project(self._call, one) for one in self._visible([fullPath])), None)

    def projects(
        self,
        _info: object,
        *,
        fullPaths: Sequence[str] | None = None,  # noqa: N803 - GitLab's name
        **page: Any,
    ) -> Object:
        """Those of the paths, else all, newest first. Others than the caller may see are left out."""
        if fullPaths is not None and len(fullPaths) > MOST_PATHS:
            raise GraphQLError(f"You cannot provide more than {MOST_PATHS} full_paths")
        return connection(self._visible(fullPaths), lambda one: _project(self._call, one), **page)

    def _visible(self, paths: Sequence[str] | None) -> list[Project]:
        wanted = None if paths is None else {path.lower() for path in paths}
        found = self._call.store.all(Project, "SELECT * FROM projects ORDER BY id DESC")
        return [
            one
            for one in found
            if (wanted is None or one.full_path.lower() in wanted) and may_see(self._call.store, self._call.caller, one)
        ]


def _project(call: Call, project: Project) -> Object:
    level = project_level(call.store, call.caller, project)

    def variables(_info: object, **page: Any) -> Object | None:
        query = "SELECT * FROM variables WHERE project_id = ? ORDER BY id"
        return (
            None if level < MAINTAINER else connection(call.store.all(Variable, query, project.id), _variable, **page)
        )

    def rules(_info: object, **page: Any) -> Object:
        found = sorted(protections(call.store, project), key=lambda rule: rule.name) if level >= DEVELOPER else []
        return connection(found, lambda rule: _rule(project, rule), **page)

    def repository(_info: object) -> Object | None:
        may_download = level > GUEST or project.visibility != "private"
        return _repository(project, repository_of(call.services, project)) if may_download else None

    return {
        "id": f"gid://gitlab/Project/{project.id}",
        "fullPath": project.full_path,
        "name": project.name,
        "ciVariables": variables,
        "branchRules": rules,
        "repository": repository,
    }


def _variable(one: Variable) -> Object:
    return {
        "id": f"gid://gitlab/Ci::Variable/{one.id}",
        "key": one.key,
        "value": None if one.hidden else one.value,
        "variableType": one.variable_type.upper(),
        "protected": one.protected,
        "masked": one.masked,
        "hidden": one.hidden,
        "raw": one.raw,
        "environmentScope": one.environment_scope,
        "description": one.description,
    }


def _rule(project: Project, rule: ProtectedBranch) -> Object:
    return {
        "name": rule.name,
        "isDefault": rule.name == project.default_branch,
        "isProtected": True,
        "branchProtection": {
            "allowForcePush": rule.allow_force_push,
            "pushAccessLevels": lambda _info, **page: connection([rule.push_level], _level, **page),
            "mergeAccessLevels": lambda _info, **page: connection([rule.merge_level], _level, **page),
        },
    }


def _level(level: int) -> Object:
    return {"accessLevel": level, "accessLevelDescription": LEVEL_NAMES[level], "deployKey": None}


def _repository(project: Project, repository: Repository) -> Object:
    def tree(
        _info: object,
        *,
        path: str,
        recursive: bool,
        ref: str | None = None,
        refType: str | None = None,  # noqa: N803 - GitLab's name
    ) -> Object | None:
        kind = {"HEADS": "refs/heads/", "TAGS": "refs/tags/"}.get(refType or "", "")
        sha = _resolve(repository, f"{kind}{ref or project.default_branch}")
        if sha is None or (path.strip("/") and repository.entry(sha, path) is None):
            return None
        return {"lastCommit": lambda _info: _last_commit(repository, sha, path.strip("/"))}

    return {"exists": True, "empty": lambda _info: repository.is_empty(), "tree": tree}


def _resolve(repository: Repository, ref: str) -> str | None:
    """The commit of a branch by its full name, else of whatever is named so."""
    branch = ref.removeprefix("refs/heads/")
    return repository.resolve(ref) if branch == ref else repository.branch_sha(branch)


def _last_commit(repository: Repository, sha: str, path: str) -> Object | None:
    """The newest that touched the path; of the root, the one that was asked for, whatever it touched."""
    if path:
        history = repository.commits(sha, path=path, limit=1)
        if not history:
            return None
        sha = history[0].sha
    return {
        "id": f"gid://gitlab/Commit/{sha}",
        "sha": sha,
        "shortId": sha[:8],
        "title": lambda _info: repository.commit(sha).title,
    }
