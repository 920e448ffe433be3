"""meshctl: a control plane for Envoy meshes and gateways, driven by a catalog of small YAML files."""

__version__ = "0.1.0"
