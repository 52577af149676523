# CPU:  docker build -t parsimony .
#       (torch's own default on Linux is the CUDA build; for a small image offer the CPU wheels:
#        --build-arg PIP_EXTRA_INDEX_URL=<index with torch's CPU wheels>)
# CUDA: docker build -t parsimony:gpu --build-arg EXTRA=gpu .
#       The NVIDIA wheels carry the CUDA libraries, so the default base is enough together with the
#       NVIDIA container runtime; another one, such as a CUDA runtime image, is chosen with
#       --build-arg BASE=<image>. Both stages use the same base, so the environment fits.
ARG BASE=python:3.11-slim-bookworm
ARG NODE=node:22-bookworm-slim

FROM ${NODE} AS assets
WORKDIR /assets
RUN npm pack 3dmol@2.5.5 jsme-editor@0.8.2 --silent

FROM ${BASE} AS python
# a base without Python gets the one of its distribution, whose version nobody can pin for every base
# hadolint ignore=DL3008
RUN command -v python3 > /dev/null || ( \
    apt-get update && apt-get install -y --no-install-recommends python3 python3-venv && \
    rm -rf /var/lib/apt/lists/* )

FROM python AS builder
ARG EXTRA=cpu
ARG PIP_EXTRA_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
RUN python3 -m venv /opt/venv
COPY pyproject.toml README.md LICENSE app.py ./
COPY core ./core
COPY pages ./pages
# editable: the environment points to /app, where the application itself is copied below
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/venv/bin/python -m pip install -e ".[${EXTRA}]"
COPY --from=assets /assets/3dmol-2.5.5.tgz /assets/jsme-editor-0.8.2.tgz /assets/
RUN /opt/venv/bin/python -m core assets --archive /assets/3dmol-2.5.5.tgz --archive /assets/jsme-editor-0.8.2.tgz

FROM python AS application
LABEL org.opencontainers.image.title="Parsimony" \
      org.opencontainers.image.description="Predictions with evidence that is checked live" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=1 \
    MALLOC_MMAP_THRESHOLD_=1073741824 \
    MALLOC_TRIM_THRESHOLD_=67108864 \
    MALLOC_ARENA_MAX=2 \
    HOME=/data \
    PARSIMONY_HOME=/data \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0
COPY --from=builder /opt/venv /opt/venv
WORKDIR /app
COPY .streamlit ./.streamlit
COPY pyproject.toml README.md CHANGELOG.md LICENSE app.py ./
COPY core ./core
COPY pages ./pages
COPY trained ./trained
COPY --from=builder /app/static ./static
RUN mkdir /data && chown 10001:10001 /data
VOLUME /data
USER 10001:10001
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('PARSIMONY_PORT', '8501') + '/_stcore/health', timeout=4)"]
ENTRYPOINT ["python", "-m", "core", "serve"]
