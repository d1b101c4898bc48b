# One image for the four services, the provisioner and the demo issuer; the command says which.
FROM python:3.13-slim AS build
RUN pip install --quiet --no-cache-dir uv==0.13.9
WORKDIR /app
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 NODE_USE_SYSTEM_CA=1
COPY pyproject.toml uv.lock README.md ./
COPY shared ./shared
COPY services ./services
COPY ops ./ops
# What the officers' pages are dressed in, from its packages by lock file; node is a wheel of the same lock and stays behind.
RUN uv run --quiet --isolated --locked --only-group assets npm --prefix shared/chassis/assets ci --silent --ignore-scripts --omit=optional \
    && uv run --quiet --isolated --locked --only-group assets node shared/chassis/assets/build.mjs \
    && rm -r shared/chassis/assets/node_modules
RUN uv sync --quiet --locked --no-dev --no-editable --package naungan-ops --extra backup --extra carry

FROM python:3.13-slim
RUN groupadd --gid 10001 naungan && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin naungan
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /app
EXPOSE 8000
