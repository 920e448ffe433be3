"""Small catalogs as texts, for tests of what is made of them."""

MESH = b"format: 1\nedition: 2026.11\nname: test\n"


def service(name: str, *uses: str, endpoints: str = "127.0.0.1:9001", alias: str = "") -> bytes:
    """A service of one version."""
    lines = [f"service: {name}", "port: 8080", f"endpoints: ['{endpoints}']", f"uses: [{', '.join(uses)}]"]
    if alias:
        lines.append(f"aliases: [{alias}]")
    return "\n".join(lines).encode() + b"\n"
