"""Pages of the AWS console."""

from sledgehammer_aws.account import Account
from sledgehammer_aws.client import Clients

CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""Host of the console by partition."""


def console_page(clients: Clients, account: Account, path: str) -> str:
    """A page of the account's region; "" behind an endpoint of its own, where there is no console."""
    if clients.endpoint:
        return ""
    host = CONSOLES.get(account.partition, CONSOLES["aws"])
    return f"https://{account.region}.{host}/{path}?region={account.region}"
