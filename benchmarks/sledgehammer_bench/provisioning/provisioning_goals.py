"""The goals of issue 5: for GitLab, by REST and by GraphQL, and for AWS."""

import math
from collections.abc import Sequence

from sledgehammer_bench.goals import Goal
from sledgehammer_bench.provisioning.measure import RETRY_AFTER_S, Measurement

FULL = 400
"""From so many sets on everything counts."""

ASKED_ONCE = 14
"""Requests of any plan, however many sets: who we are and which registry, five of the bucket, a page of each of the
seven lists."""


def judge(
    quick: Measurement, slow: Measurement, refused: Measurement, *, projects: int, threads: int
) -> Sequence[Goal]:
    """`quick` without latency, `slow` with it, `refused` throttled."""
    most = math.ceil(projects / 100) + 4 * projects
    waits_s = refused.throttled * RETRY_AFTER_S
    return (
        Goal(name=f"requests of a no-change plan, {projects} projects", limit=most, measured=quick.requests),
        Goal(name="the same with latency", limit=most, measured=slow.requests),
        Goal(name="changes that a no-change plan finds", limit=0, measured=quick.pending + slow.pending),
        Goal(name="throttled: changes found", limit=0, measured=refused.pending),
        Goal(name="throttled: requests sent before their time", limit=0, measured=refused.early),
        Goal(
            name="throttled: seconds",
            limit=round(1.5 * quick.seconds + waits_s, 1),
            measured=refused.seconds,
            unit=" s",
            note=f"1.5 x {quick.seconds:.1f} s and {refused.throttled} waits of {RETRY_AFTER_S} s, {threads} at once",
        ),
    )


def judge_folded(plans: Sequence[Measurement], *, projects: int, tokens: int) -> Sequence[Goal]:
    """`plans` by GraphQL; that many projects ask for deploy tokens, which it does not tell."""
    which = f"{projects} projects, {tokens} with deploy tokens" if tokens else f"{projects} projects"
    return (
        Goal(
            name=f"requests of a no-change plan by GraphQL, {which}",
            limit=projects // 10 + 20 + tokens,
            measured=max(plan.requests for plan in plans),
        ),
        Goal(name="changes that it finds", limit=0, measured=sum(plan.pending for plan in plans)),
    )


def judge_beside(ours: Measurement, by_rest: Measurement, theirs: Measurement, *, latency_s: float) -> Sequence[Goal]:
    """Seconds of whole processes over the same projects. Where they changed something it was no plan of theirs without
    changes, and where we found a change, none of ours."""
    is_same = not (ours.pending or by_rest.pending or theirs.pending)
    ratio = ours.seconds / theirs.seconds
    note = (
        f"{ours.seconds:.1f} s by GraphQL and {theirs.seconds:.1f} s; by REST alone {by_rest.seconds:.1f} s, "
        f"{by_rest.seconds / theirs.seconds:.2f}"
        if is_same
        else f"not without changes: {ours.pending} by GraphQL, {by_rest.pending} by REST, {theirs.pending} of theirs"
    )
    name = f"seconds of sledge / of gitlabform, {latency_s * 1000:.0f} ms latency"
    return (Goal(name=name, limit=0.2, measured=ratio if is_same else None, note=note),)


def judge_sets(plan: Measurement, *, sets: int) -> Sequence[Goal]:
    """`plan` is over that many sets with one reader. Of a small fleet what is asked once anyway is left out, for it
    would hide what a set costs."""
    left_out = 0 if sets >= FULL else ASKED_ONCE
    note = f"{plan.requests} requests" + (f" without the {left_out} that any plan sends" if left_out else "")
    return (
        Goal(
            name=f"AWS: requests per set of a no-change plan, {sets} sets",
            limit=1.1,
            measured=(plan.requests - left_out) / sets,
            note=note,
        ),
        Goal(name="AWS: changes that a no-change plan finds", limit=0, measured=plan.pending),
    )


def judge_same(ours: Measurement, theirs: Measurement, *, sets: int) -> Sequence[Goal]:
    """Over sets that Terraform has made neither finds a change, for only then they are the same. The note has what each
    took: there is no goal for that."""
    note = "; ".join(
        f"{who} {run.pending}, with {run.requests / sets:.1f} requests per set in {run.seconds:.1f} s"
        for who, run in (("sledge", ours), ("Terraform", theirs))
    )
    pending = ours.pending + theirs.pending
    return (Goal(name="AWS: changes found in what Terraform made", limit=0, measured=pending, note=note),)
