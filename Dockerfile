FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY producer producer
COPY workers workers
COPY comparator comparator
COPY shared shared
COPY console console
RUN python -m venv /opt/darklaunch && /opt/darklaunch/bin/pip install --no-cache-dir '.[console,seal]'

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home darklaunch
COPY --from=build /opt/darklaunch /opt/darklaunch
ENV PATH=/opt/darklaunch/bin:$PATH PYTHONUNBUFFERED=1
USER darklaunch
ENTRYPOINT ["darklaunch"]
CMD ["--help"]
