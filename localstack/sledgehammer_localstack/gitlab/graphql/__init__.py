"""The part of GitLab's GraphQL API that a plan over many projects reads."""
