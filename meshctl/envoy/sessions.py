"""Sessions that stay on an endpoint. Envoy: extensions.filters.http.stateful_session.v3.

May import the mesh's facts. The filter is in every HTTP listener, switched off, and routes switch it on: a
listener that changed would drain its connections, routes that change close none.
"""

from meshctl.catalog.keys.by import By, Part
from meshctl.envoy import pb

STATEFUL_SESSION = "envoy.filters.http.stateful_session"


def stateful_session() -> pb.HttpFilter:
    """The filter as listeners have it."""
    return pb.HttpFilter(name=STATEFUL_SESSION, typed_config=pb.pack(pb.StatefulSession()), disabled=True)


def session_of(by: By) -> pb.Any:
    """What a route says of it. Not strict: where the endpoint is gone or fails, another one takes over."""
    state = _in_cookie(by.name) if by.part is Part.COOKIE else _in_header(by.name)
    config = pb.StatefulSession(session_state=state)
    return pb.pack(pb.StatefulSessionPerRoute(stateful_session=config))


def _in_cookie(name: str) -> pb.TypedExtensionConfig:
    # No time to live: the browser forgets it when it is closed, and it names an endpoint that may be gone.
    cookie = pb.CookieBasedSessionState(cookie=pb.Cookie(name=name, path="/"))
    return pb.TypedExtensionConfig(name="envoy.http.stateful_session.cookie", typed_config=pb.pack(cookie))


def _in_header(name: str) -> pb.TypedExtensionConfig:
    header = pb.HeaderBasedSessionState(name=name.lower())
    return pb.TypedExtensionConfig(name="envoy.http.stateful_session.header", typed_config=pb.pack(header))
