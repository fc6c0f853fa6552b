"""The hooks all repositories share: protected branches before a push, a report of changed refs after it."""

from pathlib import Path

PROTECTED_VARIABLE = "SLEDGEHAMMER_PROTECTED"  # lines of `<may push> <may force> <branch pattern>`, first match wins
REPORT_VARIABLE = "SLEDGEHAMMER_PUSH_REPORT"  # the file that lists changed refs, then push options

PRE_RECEIVE = f"""#!/bin/sh
refuse() {{ echo "GitLab: $1" >&2; exit 1; }}
while read -r old new ref; do
    case $ref in refs/heads/*) branch=${{ref#refs/heads/}} ;; *) continue ;; esac
    while read -r may_push may_force pattern; do
        case $branch in $pattern) ;; *) continue ;; esac
        if [ "$new" = {"0" * 40} ]; then
            refuse "You can only delete protected branches using the web interface."
        fi
        [ "$may_push" = yes ] || refuse "You are not allowed to push code to protected branches on this project."
        if [ "$may_force" = no ] && [ "$old" != {"0" * 40} ] && ! git merge-base --is-ancestor "$old" "$new"; then
            refuse "You are not allowed to force push code to a protected branch on this project."
        fi
        break
    done <<PATTERNS
${PROTECTED_VARIABLE}
PATTERNS
done
exit 0
"""

POST_RECEIVE = f"""#!/bin/sh
{{
    cat
    echo
    i=0
    while [ "$i" -lt "${{GIT_PUSH_OPTION_COUNT:-0}}" ]; do
        eval "printf '%s\\n' \\"\\$GIT_PUSH_OPTION_$i\\""
        i=$((i + 1))
    done
}} > "${REPORT_VARIABLE}"
"""


def hooks_dir(state_dir: Path) -> Path:
    """Where the shared hooks lie."""
    return state_dir / "hooks"


def write_hooks(state_dir: Path) -> None:
    """Write the hooks anew, so that they belong to the version that runs."""
    directory = hooks_dir(state_dir)
    directory.mkdir(parents=True, exist_ok=True)
    for name, script in {"pre-receive": PRE_RECEIVE, "post-receive": POST_RECEIVE}.items():
        path = directory / name
        path.write_text(script)
        path.chmod(0o755)
