"""The REST resources: one module each, every module with its `ROUTES`."""
