"""The tags of what moto keeps in this process."""

import sys
from collections.abc import Mapping

from moto.events.models import events_backends
from moto.resourcegroupstaggingapi.models import resourcegroupstaggingapi_backends


def tags_in_moto(account: str, region: str) -> Mapping[str, Mapping[str, str]]:
    """ARN to tags, as far as moto's tagging service knows them, and of EventBridge's rules, which it does not.

    Its API is not asked: between two pages it keeps an iteration open, which whatever is made meanwhile breaks.
    """
    tagging, events = resourcegroupstaggingapi_backends[account][region], events_backends[account][region]
    _, found = tagging.get_resources(resources_per_page=sys.maxsize, tags_per_page=sys.maxsize)
    rules = [rule.arn for bus in events.event_buses.values() for rule in bus.rules.values()]
    return {
        **{one.arn: dict(one.tags) for one in found},
        **{arn: dict(events.tagger.get_tag_dict_for_resource(arn)) for arn in rules},
    }
