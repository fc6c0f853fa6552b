"""The command `sledge`: one file per subcommand, each with NAME, HELP, configure and run."""
