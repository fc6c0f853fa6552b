"""Sledgehammer: cached docker-in-docker builds on any CI, planned by one provider-agnostic core."""
