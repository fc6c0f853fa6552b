"""What the cache benchmark reads from a job's log."""

from sledgehammer_bench.cache.breakdown import read_breakdown

BLOB = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64

BUILDKIT = f"""sledge: builder: default
#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 158B done
#1 DONE 0.1s

#2 [internal] load metadata for docker.io/library/node:20-slim
#2 DONE 0.2s

#3 importing cache manifest from registry/app/cache:main
#3 DONE 0.3s

#5 [build 1/5] FROM docker.io/library/node:20-slim
#5 {BLOB} 2.10MB / 68.67MB 0.2s
#5 {BLOB} 68.67MB / 68.67MB 1.2s done
#5 extracting {BLOB}
#5 extracting {BLOB} 2.5s done
#5 DONE 3.9s

#6 [build 2/5] WORKDIR /app
#6 CACHED

#7 [build 4/5] RUN npm ci --omit=dev
#7 {OTHER} 10MB / 10MB 0.5s done
#7 extracting {OTHER} 1.0s done
#7 DONE 1.6s

#8 [build 5/5] COPY server.js ./
#8 DONE 0.4s

#9 [package 2/3] WORKDIR /app
#9 DONE 0.7s

#10 [package 3/3] COPY --from=build /app ./
#10 DONE 1.1s

#11 exporting to image
#11 exporting layers 1.8s done
#11 pushing layers 2.0s done
#11 unpacking to registry/app:1 0.5s done
#11 pushing manifest for registry/app:1@{BLOB} 0.5s done
#11 DONE 5.0s

#12 exporting cache to registry
#12 writing layer {OTHER} 0.1s done
#12 DONE 0.9s

#13 pushing registry/app:1 with docker
#13 pushing layer aaaaaaaaaaaa 0.2s done
#13 pushing layer bbbbbbbbbbbb 0.2s done
#13 DONE 0.3s
"""

CLASSIC = """Status: Downloaded newer image for registry/app/build:latest
bench: pull 15.88 s
Step 1/3 : FROM node:20-slim AS build
 ---> 8999e9ccf470
Step 2/3 : WORKDIR /app
 ---> Using cache
 ---> e1a8c623111f
Step 3/3 : COPY server.js ./
 ---> 19475d65a4d9
bench: build 1.50 s
Step 1/5 : FROM node:20-slim AS build
 ---> 8999e9ccf470
Step 2/5 : WORKDIR /app
 ---> Using cache
Step 3/5 : COPY server.js ./
 ---> Using cache
Step 4/5 : FROM node:20-slim AS package
 ---> 8999e9ccf470
Step 5/5 : COPY --from=build /app ./
 ---> 64204897e334
bench: build 60.50 s
bench: push 0.25 s
"""


def test_the_seconds_of_a_build_go_to_their_causes() -> None:
    """Lookups, pulls with their unpacking, steps, image export, push and cache export; a base image is no step."""
    found = read_breakdown(BUILDKIT, changed=["server.js"])

    assert (found.cached, found.total) == (2, 5)
    assert round(found.lookup_s, 2) == 0.5
    assert round(found.pull_s, 2) == 5.7
    assert (found.export_s, found.push_s, found.cache_export_s) == (2.0, 2.8, 0.9)
    assert (found.builds, found.pulls) == (1, 2)


def test_only_steps_that_the_change_reaches_count_as_changed() -> None:
    """The copy of the changed file and all behind it, in other stages too; any other step that ran is a miss."""
    found = read_breakdown(BUILDKIT, changed=["server.js"])

    assert round(found.changed_s, 2) == 1.5
    assert round(found.missed_s, 2) == 0.7


def test_in_a_cold_build_every_step_is_changed_and_in_an_unchanged_one_none_is() -> None:
    """So that what ran without need is seen."""
    cold, unchanged = read_breakdown(BUILDKIT, changed=None), read_breakdown(BUILDKIT, changed=[])

    assert (round(cold.changed_s, 2), cold.missed_s) == (2.2, 0.0)
    assert (unchanged.changed_s, round(unchanged.missed_s, 2)) == (0.0, 2.2)


def test_a_changed_file_is_found_below_a_copied_folder() -> None:
    """`COPY src src` and `COPY . .` read src/main.rs, `COPY source ./` does not."""
    for instruction, reached in (("COPY src src", True), ("COPY . .", True), ("COPY source ./", False)):
        log = f"#4 [build 3/4] {instruction}\n#4 DONE 1.0s\n#5 [build 4/4] RUN x\n#5 DONE 2.0s\n"
        found = read_breakdown(log, changed=["src/main.rs"])
        assert found.changed_s == (3.0 if reached else 0.0)


def test_a_step_that_two_builds_share_counts_as_the_first_met_it() -> None:
    """The article builds the build stage, then all of it again: the second time it is cached of course."""
    first = '#0 building with "default"\n#4 [build 2/2] RUN make\n#4 DONE 9.0s\n'
    second = '#0 building with "default"\n#4 [build 2/2] RUN make\n#4 CACHED\n#5 [package 2/2] COPY --from=build a b\n'
    found = read_breakdown(first + second + "#5 DONE 1.0s\n", changed=None)

    assert (found.cached, found.total, found.builds) == (0, 2, 2)
    assert found.changed_s == 10.0


def test_the_classic_builder_is_counted_too() -> None:
    """Its steps by the first build that met them, its seconds by the job's own clock."""
    found = read_breakdown(CLASSIC, changed=["server.js"])

    assert (found.cached, found.total, found.builds) == (1, 3, 2)
    assert (found.pull_s, found.build_s, found.push_s) == (15.88, 62.0, 0.25)
    assert found.pulls == 1


def test_a_job_that_only_retags_pulls_nothing_and_builds_nothing() -> None:
    """That is what the goals of an unchanged build ask for."""
    found = read_breakdown("Login Succeeded\nsledge: image app: already built\n", changed=[])

    assert (found.builds, found.pulls, found.total) == (0, 0, 0)
