"""Whether a failed job is tried again by itself.

Source: docs.gitlab.com, ci/yaml ("retry", "retry:when", "retry:exit_codes").
"""

from sledgehammer_localstack.ci.model import Job


def should_retry(job: Job, *, failure_reason: str, exit_code: int | None, retries_done: int) -> bool:
    """`failure_reason` is GitLab's word, such as `script_failure`; `retries_done` counts attempts beyond the first."""
    if retries_done >= job.retry.max:
        return False
    by_reason = "always" in job.retry.when or failure_reason in job.retry.when
    return by_reason or (exit_code is not None and exit_code in job.retry.exit_codes)
