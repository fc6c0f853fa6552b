"""Bare repositories: reading, committing, and git's smart HTTP protocol."""
