"""How many requests a plan over many projects sends, how long it takes, and what throttling does to it."""
