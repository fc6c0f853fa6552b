"""AWS CodeBuild and ECR for Sledgehammer: renders the buildspec, provisions, runs builds."""
