"""The rules that make resources of facts, on the one graph: facts in, encoded resources out."""
