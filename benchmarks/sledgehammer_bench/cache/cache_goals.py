"""The goals of issue 4, judged as ratios within one run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sledgehammer_bench.cache.results import Cell, Results
from sledgehammer_bench.cache.scenarios import Scenario
from sledgehammer_bench.cache.variants import ARTICLE, ARTICLE_WORKING, CHOOSER, PLAIN
from sledgehammer_bench.goals import Goal

_NEVER_BEST = {PLAIN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Why there is no figure. One that was only left out leaves the other examples to be judged."""

    reason: str
    is_failure: bool = False


Figure = float | Missing


def judge(results: Results, strategies: Sequence[str]) -> tuple[Goal, ...]:
    """All goals; the worst example decides."""
    judge = _Judge(results=results, strategies=strategies)
    return (
        judge.goal("source change / cold, best strategy", 0.10, judge.source_to_cold),
        judge.goal("source change / the article's closest working form", 0.35, judge.against(ARTICLE_WORKING)),
        judge.goal("source change / the article's script as written", 0.35, judge.against(ARTICLE)),
        judge.goal("(source change - changed steps) / cold", 0.06, judge.overhead_to_cold),
        judge.goal("nothing changed, job time", 3, judge.nothing_changed, unit=" s"),
        judge.goal("nothing changed, images pulled", 0, judge.nothing_pulled),
        judge.goal("nothing changed, builds started", 0, judge.nothing_built),
        judge.goal("first build with cache export / plain build and push", 1.05, judge.first_build),
        judge.goal(f"worst of {CHOOSER} / {PLAIN}", 1.05, judge.chooser_to_plain),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    results: Results
    strategies: Sequence[str]

    def goal(self, name: str, limit: float, figure: Callable[[str], Figure], *, unit: str = "") -> Goal:
        """The goal by its worst example."""
        figures = {example: figure(example) for example in self.results.examples}
        values = {example: value for example, value in figures.items() if not isinstance(value, Missing)}
        missing = {example: value for example, value in figures.items() if isinstance(value, Missing)}
        failures = any(value.is_failure for value in missing.values())
        measured = None if failures or not values else max(values.values())
        notes = [f"{example} {value:.2f} by {self.best(example)}" for example, value in values.items()]
        notes += [f"{example}: {value.reason}" for example, value in missing.items()]
        return Goal(name=name, limit=limit, measured=measured, note="; ".join(notes), unit=unit)

    def best(self, example: str) -> str:
        """`auto` where it exists, else the strategy that is quickest after a source change."""
        if CHOOSER in self.strategies:
            return CHOOSER
        candidates = [name for name in self.strategies if name not in _NEVER_BEST]
        return min(candidates, key=lambda name: self._rank(example, name), default="no strategy")

    def _rank(self, example: str, variant: str) -> float:
        value = self._seconds(example, variant, Scenario.SOURCE)
        return float("inf") if isinstance(value, Missing) else value

    def source_to_cold(self, example: str) -> Figure:
        best = self.best(example)
        return _ratio(self._seconds(example, best, Scenario.SOURCE), self._seconds(example, best, Scenario.COLD))

    def against(self, baseline: str) -> Callable[[str], Figure]:
        def figure(example: str) -> Figure:
            ours = self._seconds(example, self.best(example), Scenario.SOURCE)
            return _ratio(ours, self._seconds(example, baseline, Scenario.SOURCE))

        return figure

    def overhead_to_cold(self, example: str) -> Figure:
        best = self.best(example)
        overhead = self._figure(example, best, Scenario.SOURCE, lambda cell: cell.seconds - cell.changed_s)
        return _ratio(overhead, self._seconds(example, best, Scenario.COLD))

    def nothing_changed(self, example: str) -> Figure:
        return self._seconds(example, self.best(example), Scenario.NOTHING)

    def nothing_pulled(self, example: str) -> Figure:
        def pulls(cell: Cell) -> float:
            return float(max(run.breakdown.pulls for run in cell.runs))

        return self._figure(example, self.best(example), Scenario.NOTHING, pulls)

    def nothing_built(self, example: str) -> Figure:
        def builds(cell: Cell) -> float:
            return float(max(run.breakdown.builds for run in cell.runs))

        return self._figure(example, self.best(example), Scenario.NOTHING, builds)

    def first_build(self, example: str) -> Figure:
        best, cold = self.best(example), Scenario.COLD
        return _ratio(self._seconds(example, best, cold), self._seconds(example, PLAIN, cold))

    def chooser_to_plain(self, example: str) -> Figure:
        """The worst scenario. A plain build does everything each time: its cold one stands for those left out."""
        if CHOOSER not in self.strategies:
            return Missing(reason=f"there is no strategy {CHOOSER} yet")
        plain_cold = self._seconds(example, PLAIN, Scenario.COLD)
        ratios: list[float] = []
        for scenario in Scenario:
            if self.results.cell(example, CHOOSER, scenario) is None:
                continue
            has_plain = self.results.cell(example, PLAIN, scenario) is not None
            plain = self._seconds(example, PLAIN, scenario) if has_plain else plain_cold
            ratio = _ratio(self._seconds(example, CHOOSER, scenario), plain)
            if isinstance(ratio, Missing):
                return ratio
            ratios.append(ratio)
        return max(ratios) if ratios else Missing(reason=f"{CHOOSER} was left out")

    def _seconds(self, example: str, variant: str, scenario: Scenario) -> Figure:
        return self._figure(example, variant, scenario, lambda cell: cell.seconds)

    def _figure(self, example: str, variant: str, scenario: Scenario, read: Callable[[Cell], float]) -> Figure:
        cell = self.results.cell(example, variant, scenario)
        if cell is None:
            return Missing(reason=f"{variant}, {scenario.value} was left out")
        if cell.failed:
            return Missing(reason=f"{variant}, {scenario.value} failed", is_failure=True)
        return read(cell)


def _ratio(part: Figure, whole: Figure) -> Figure:
    if isinstance(part, Missing):
        return part
    if isinstance(whole, Missing):
        return whole
    return part / whole if whole > 0 else Missing(reason="nothing was measured to divide by")
