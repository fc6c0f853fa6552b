"""What every call of a provider survives, by the names of `sledgehammer_localstack.faults`."""

FAULTS = ("throttle", "error_before", "error_after", "reset_before", "reset_after")
