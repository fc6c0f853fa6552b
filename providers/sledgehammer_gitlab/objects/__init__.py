"""Each kind of object that we keep on GitLab, as a ManagedObject: one file a kind."""
