"""The registries of the stack, as containers with addresses of their own."""
