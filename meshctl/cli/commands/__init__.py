"""One module a command; each is imported when its command is typed, never for `--help`."""
