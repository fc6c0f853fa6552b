"""Pipelines and jobs: made from a commit, advanced as jobs end, handed out to runners."""
