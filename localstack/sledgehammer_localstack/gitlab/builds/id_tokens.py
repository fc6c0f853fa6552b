"""ID tokens (docs.gitlab.com/ci/secrets/id_token_authentication): by these a job says to others who it is.

Signed with ES256, where GitLab itself takes RS256: who checks one by the server's own key set sees no difference.
"""

import secrets
import time
from collections.abc import Iterator

import jwt

from sledgehammer_localstack.ci.facts import PipelineFacts
from sledgehammer_localstack.ci.model import IdToken
from sledgehammer_localstack.ci.model import Job as Definition
from sledgehammer_localstack.ci.model import Variable as CiVariable
from sledgehammer_localstack.gitlab.access import namespace_by_id
from sledgehammer_localstack.gitlab.api.openid import key_id
from sledgehammer_localstack.gitlab.records import Job, Project
from sledgehammer_localstack.gitlab.services import Services


def id_tokens(
    services: Services, definition: Definition, job: Job, project: Project, pipeline: PipelineFacts
) -> Iterator[CiVariable]:
    """The variables that hold a job's tokens."""
    for wanted in definition.id_tokens:
        claims = _claims(services, wanted, job, project, pipeline)
        key = services.settings.signing_key
        text = jwt.encode(claims, key.reveal(), algorithm="ES256", headers={"kid": key_id(key)})
        yield CiVariable(key=wanted.variable, value=text, public=False, masked=True, raw=True)


def _claims(
    services: Services, wanted: IdToken, job: Job, project: Project, pipeline: PipelineFacts
) -> dict[str, object]:
    moment, kind = int(time.time()), "tag" if pipeline.is_tag else "branch"
    namespace = namespace_by_id(services.store, project.namespace_id)
    return {
        "iss": services.url,
        "sub": f"project_path:{project.full_path}:ref_type:{kind}:ref:{pipeline.ref}",
        "aud": wanted.audiences[0] if len(wanted.audiences) == 1 else list(wanted.audiences),
        "iat": moment,
        "nbf": moment - 5,
        "exp": moment + job.timeout_s,
        "jti": secrets.token_hex(16),
        "namespace_id": str(namespace.id),
        "namespace_path": namespace.full_path,
        "project_id": str(project.id),
        "project_path": project.full_path,
        "project_visibility": project.visibility,
        "user_id": str(pipeline.user.id),
        "user_login": pipeline.user.username,
        "user_email": pipeline.user.email,
        "pipeline_id": str(pipeline.id),
        "pipeline_source": pipeline.source,
        "job_id": str(job.id),
        "ref": pipeline.ref,
        "ref_type": kind,
        "ref_path": f"refs/{'tags' if pipeline.is_tag else 'heads'}/{pipeline.ref}",
        "ref_protected": "true" if pipeline.is_ref_protected else "false",
        "runner_environment": "self-hosted",
        "sha": pipeline.commit.sha,
    }
