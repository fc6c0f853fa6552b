"""The local stack: GitLab, AWS, a registry and a Docker engine on one machine, running jobs for real."""
