"""The command line: thin commands over the operations; data on stdout, everything else on stderr."""
