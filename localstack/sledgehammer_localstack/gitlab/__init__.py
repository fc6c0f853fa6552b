"""A GitLab on one machine: REST v4, git over smart HTTP, the runner API and the registry's token service.

`python -m sledgehammer_localstack.gitlab --state-dir DIR` serves a stack; tests construct `server.GitLabServer`.
"""
