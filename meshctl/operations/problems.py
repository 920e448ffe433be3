"""The codes of what only a real Envoy found (MSH04xx)."""

from meshctl.problems import Code

REFUSED_BY_ENVOY = Code(
    "MSH0401",
    "refused by Envoy",
    why="Every node that is given it would refuse it and keep what it has.",
    bad="what Envoy's words name",
    good="the same said in another way; and a report, since meshctl should have found it by itself",
)
