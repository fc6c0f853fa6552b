"""GitLab for Sledgehammer: renders the CI file, provisions the project, runs pipelines."""
