"""Cancelling pipelines that a newer commit made pointless (GitLab docs, "Auto-cancel redundant pipelines").

GitLab's default, `workflow:auto_cancel:on_new_commit: conservative`: older pipelines of the branch for other commits
than its head are cancelled as long as no job of theirs without `interruptible: true` has started
(app/services/ci/pipeline_creation/cancel_redundant_pipelines_service.rb).
"""

from sledgehammer_localstack.gitlab.builds.changes import cancel_jobs
from sledgehammer_localstack.gitlab.builds.definitions import load_job
from sledgehammer_localstack.gitlab.builds.progress import current_jobs
from sledgehammer_localstack.gitlab.present_projects import repository_of
from sledgehammer_localstack.gitlab.project_settings import build_settings
from sledgehammer_localstack.gitlab.records import Pipeline, Project
from sledgehammer_localstack.gitlab.services import Services


def cancel_redundant(services: Services, project: Project, newest: Pipeline) -> None:
    """Cancel the older pipelines of the same branch that nobody needs any more."""
    if newest.tag or not build_settings(project).cancels_redundant:
        return
    head = repository_of(services, project).branch_sha(newest.ref)
    query = (
        "SELECT * FROM pipelines WHERE project_id = ? AND ref = ? AND tag = 0 AND sha != ? AND id < ?"
        " AND status IN ('created', 'pending', 'running', 'manual')"
    )
    for older in services.store.all(Pipeline, query, project.id, newest.ref, head, newest.id):
        jobs = current_jobs(services.store, older.id)
        if all(job.started_at is None or load_job(job.definition).interruptible for job in jobs):
            cancel_jobs(services, older.id)
