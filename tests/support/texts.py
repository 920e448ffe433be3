"""Files of a catalog as texts, as short as they can be, for what is to be admitted or refused."""

MESH = b"format: 1\nedition: 2026.11\nname: test\n"
OTHER_DOMAIN = MESH + b"domain: other\n"
DEFAULTS = b"service: {timeouts: {request: 2s}}\n"
BROKEN = b"service: [\n"


def service(name: str, *uses: str, versions: str = "v1", alias: str = "", port: int = 8080) -> bytes:
    lines = [f"service: {name}", f"port: {port}", "versions:"]
    lines += [f"  {version}: {{endpoints: [127.0.0.1]}}" for version in versions.split()]
    lines.append(f"serving: {versions.split()[0]}")
    lines.append(f"uses: [{', '.join(uses)}]")
    if alias:
        lines.append(f"aliases: [{alias}]")
    return "\n".join(lines).encode() + b"\n"


def gateway(name: str, to: str) -> bytes:
    routes = f"sites:\n  - hosts: [www.example.com]\n    routes: [{{to: {to}}}]\n"
    return f'gateway: {name}\nlisteners:\n  - {{bind: "0.0.0.0:80"}}\n{routes}'.encode()
