"""The keys of entries, one module each."""
