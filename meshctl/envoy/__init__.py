"""Facts become Envoy messages: pure functions, one module a concept."""
