"""AWS on one machine: moto's services, and a CodeBuild and an ECR of our own that really work, on one port."""
