"""The one door to all benchmarks: `./dev bench NAME [OPTIONS]`.

Every benchmark ends with its goals, a line each, and exits 0 where all hold, 3 where one is missed, and with
another code where it could not be run.
"""

import sys
from collections.abc import Callable, Mapping, Sequence

from sledgehammer_bench.cache import command as cache
from sledgehammer_bench.provisioning import command as provisioning

Benchmark = Callable[[Sequence[str]], int]

BENCHMARKS: Mapping[str, Benchmark] = {"cache": cache.main, "provisioning": provisioning.main}


def main(argv: Sequence[str]) -> int:
    """Hand over to the benchmark that is named first."""
    if not argv or argv[0] not in BENCHMARKS:
        asked = bool(argv) and argv[0] not in {"-h", "--help"}
        print(f"usage: ./dev bench {{{','.join(BENCHMARKS)}}} [--help]", file=sys.stderr if asked else sys.stdout)
        return 2 if asked else 0
    return BENCHMARKS[argv[0]](argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
