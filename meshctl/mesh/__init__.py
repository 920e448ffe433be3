"""Entries become facts: every reference bound, every default applied, conflicts found."""
