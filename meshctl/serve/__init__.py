"""The running control plane: it reads the catalog, watches it, publishes, and drains when it is stopped."""
