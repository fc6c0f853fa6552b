"""How plans, applies, adoptions and destructions treat the objects of every provider alike."""

from sledgehammer.provisioning.applying import adopt_objects, apply_objects, destroy_objects
from sledgehammer.provisioning.comparing import change_of, plan_destruction, plan_objects
from sledgehammer.provisioning.managed import (
    AlreadyExistsError,
    Attributes,
    GrantsPermissions,
    ManagedObject,
    ManualStep,
    Markable,
    Observed,
    Owner,
    Removable,
)

__all__ = [
    "AlreadyExistsError",
    "Attributes",
    "GrantsPermissions",
    "ManagedObject",
    "ManualStep",
    "Markable",
    "Observed",
    "Owner",
    "Removable",
    "adopt_objects",
    "apply_objects",
    "change_of",
    "destroy_objects",
    "plan_destruction",
    "plan_objects",
]
