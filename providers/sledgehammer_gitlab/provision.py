"""Plan and apply: GitLab's namespace, project, variables and repository."""

from collections.abc import Callable

from sledgehammer.changes import Action, Change, ChangeSet, OnChange, OnPlan
from sledgehammer.errors import NotFoundError
from sledgehammer_gitlab import difference, variables
from sledgehammer_gitlab.api import Api, Json, encode
from sledgehammer_gitlab.difference import Desired, changes_of
from sledgehammer_gitlab.mirror import Comparison, Mirror
from sledgehammer_gitlab.observed import Namespace, find_namespace, observe, project_path
from sledgehammer_gitlab.settings import Visibility
from sledgehammer_gitlab.variables import DesiredVariable

PROVIDER = "gitlab"


class GitLabProvisioner:
    """Brings one project to what is desired; `read_desired` is asked anew for each plan."""

    def __init__(self, api: Api, mirror: Mirror, *, read_desired: Callable[[], Desired]) -> None:
        self._api = api
        self._mirror = mirror
        self._read_desired = read_desired

    def plan(self) -> ChangeSet:
        """Read and compare; changes nothing on GitLab."""
        return self._read()[2]

    def apply(self, *, on_change: OnChange, on_plan: OnPlan) -> ChangeSet:
        """Make the changes of a fresh plan. No pipeline starts."""
        desired, comparison, changes = self._read()
        on_plan(changes)
        writers: dict[str, Callable[[Desired, Change], None]] = {
            difference.GROUP: self._create_group,
            difference.PROJECT: self._write_project,
            variables.KIND: self._write_variable,
        }
        for change in changes.pending:
            if change.kind in writers:
                writers[change.kind](desired, change)
                on_change(change)
        if not comparison.is_same:
            self._mirror.send(comparison)
            for change in changes.pending:
                if change.kind not in writers:
                    on_change(change)
        return changes

    def _read(self) -> tuple[Desired, Comparison, ChangeSet]:
        desired = self._read_desired()
        observed = observe(self._api, desired.settings.project, branch=desired.branch)
        comparison = self._mirror.compare(observed.tip)
        changes = changes_of(desired, observed, comparison)
        return desired, comparison, ChangeSet(provider=PROVIDER, changes=changes)

    def _create_group(self, desired: Desired, change: Change) -> None:
        parent, _, name = change.name.rpartition("/")
        # nothing in a group may be more visible than the group
        body: dict[str, object] = {"name": name, "path": name, "visibility": _visibility(desired)}
        if parent:
            body["parent_id"] = self._namespace(parent).id
        self._api.create("/groups", body, find=lambda: self._api.find(f"/groups/{encode(change.name)}"))

    def _write_project(self, desired: Desired, change: Change) -> None:
        path = change.name
        if change.action is Action.UPDATE:
            self._api.put(project_path(path), {item.name: item.after for item in change.attributes})
            return
        parent, _, name = path.rpartition("/")
        namespace = self._namespace(parent).id
        body = {"name": name, "path": name, "namespace_id": namespace, "visibility": _visibility(desired)}
        self._api.create("/projects", body, find=lambda: self._api.find(project_path(path)))

    def _write_variable(self, desired: Desired, change: Change) -> None:
        path = desired.settings.project
        (variable,) = (item for item in desired.variables if f"{path} {item.name}" == change.name)
        collection = f"{project_path(path)}/variables"
        if change.action is Action.CREATE:
            body = {"key": variable.key, **variable.body()}
            self._api.create(collection, body, find=lambda: self._find_variable(collection, variable))
            return
        scope = {"environment_scope": variable.settings.environment_scope}
        self._api.put(f"{collection}/{encode(variable.key)}", {**variable.body(), "filter": scope})

    def _find_variable(self, collection: str, variable: DesiredVariable) -> Json | None:
        scope = variable.settings.environment_scope
        rows = self._api.get_list(collection)
        return next((r for r in rows if (r["key"], r["environment_scope"]) == (variable.key, scope)), None)

    def _namespace(self, path: str) -> Namespace:
        found = find_namespace(self._api, path)
        if found is None:
            raise NotFoundError(f"GitLab's namespace {path} has gone while it was used", hint="run apply again")
        return found


def _visibility(desired: Desired) -> str:
    return (desired.settings.visibility or Visibility.PRIVATE).value
