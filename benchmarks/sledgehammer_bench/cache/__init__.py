"""`./dev bench cache`: how long builds take, by cache strategy, after each kind of change."""
