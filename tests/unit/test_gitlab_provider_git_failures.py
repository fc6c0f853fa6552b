"""What a failed git call says, apart from its trace."""

from sledgehammer_gitlab.git_remote import GitFailedError

STDERR = """\
10:19:02.662516 http.c:725              == Info: h2h3 [authorization: Basic c2VjcmV0]
10:19:02.663431 http.c:684              <= Recv header: HTTP/1.1 429 Too Many Requests
10:19:02.663485 http.c:684              <= Recv header: Retry-After: 17
remote: wait a little
fatal: unable to access 'https://gitlab.com/team/web.git/': The requested URL returned error: 429
"""


def test_what_git_traces_is_read_and_not_told() -> None:
    """The wait that GitLab asks for is in a header, which only the trace has, as it has the login."""
    error = GitFailedError(STDERR)
    assert error.retry_after == "17"
    assert str(error).splitlines() == STDERR.splitlines()[3:]
    assert GitFailedError("fatal: no route").retry_after == ""
