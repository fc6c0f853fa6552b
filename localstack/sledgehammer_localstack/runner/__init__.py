"""A runner for GitLab jobs that knows its server only through GitLab's runner API."""
