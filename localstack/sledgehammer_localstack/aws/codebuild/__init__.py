"""CodeBuild whose builds run: projects, builds, buildspec 0.2, logs while they happen."""
