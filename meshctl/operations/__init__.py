"""One use case a module, without printing."""
