"""ECR with a registry behind it: repositories, tokens, images, and the OCI protocol under /v2/."""
