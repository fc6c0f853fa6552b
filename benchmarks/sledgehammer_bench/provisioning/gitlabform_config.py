"""The fleet's projects as gitlabform's configuration has them. Pure.

It knows no deploy tokens, and no variable whose value only GitLab has: both are left out of its work, and so is what
marks an object as ours (https://gitlabform.github.io/gitlabform/reference/).
"""

import json
from collections.abc import Mapping

FORMAT = 4
"""Of its configuration, since version 4."""

CI_FILE = ".gitlab-ci.yml"
MAINTAINER = 40


def gitlabform_config(
    url: str, group: str, *, visibility: str, variables: Mapping[str, str], branch: str, ci_files: Mapping[str, str]
) -> str:
    """The file's text: JSON, which is YAML. `ci_files`: paths of files with the CI file's text, by project; what all
    projects share is said once, for the group."""
    shared = {
        "project_settings": {"visibility": visibility},
        "variables": {key: {"key": key, "value": value, "masked": True} for key, value in variables.items()},
        "branches": {branch: {"protected": True, "push_access_level": MAINTAINER, "merge_access_level": MAINTAINER}},
    }
    own = {
        project: {"files": {CI_FILE: {"branches": [branch], "overwrite": True, "template": False, "file": file}}}
        for project, file in ci_files.items()
    }
    document = {
        "config_version": FORMAT,
        "gitlab": {"url": url},
        "projects_and_groups": {f"{group}/*": shared, **own},
    }
    return json.dumps(document, indent=2)
