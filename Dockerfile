# The server, the worker and every other command of Rollcall. Build: docker build -t rollcall .
# RUNTIME is cpu, gpu or openvino: the extra with the onnxruntime of that device.
FROM python:3.12.11-slim-bookworm AS build
ARG RUNTIME=cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/rollcall
WORKDIR /src
# The dependencies first: they change less often than the source.
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
RUN mkdir server web migrations && touch server/__init__.py \
    && mkdir -p models/centerface models/mobilefacenet models/dlib-resnet \
    && touch models/dlib-resnet/build.py models/dlib-resnet/model.toml models/dlib-resnet/reference.npz \
    && /opt/rollcall/bin/pip install ".[${RUNTIME},s3,onvif,pdf]" -c constraints.txt \
    && /opt/rollcall/bin/pip uninstall --yes rollcall \
    && rm -r server web migrations models
COPY server server
COPY web web
COPY models models
COPY migrations migrations
RUN /opt/rollcall/bin/pip install --no-deps . \
    && /opt/rollcall/bin/python -m compileall -q /opt/rollcall/lib

FROM python:3.12.11-slim-bookworm
# A fixed id, so that a folder of the host can be given to it: chown 10001:10001
RUN groupadd --gid 10001 rollcall \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin rollcall \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /opt/rollcall /opt/rollcall
# HOME is where libraries may leave something; of the file system only /data and /tmp are written to.
ENV PATH=/opt/rollcall/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ORT_DISABLE_TELEMETRY=1 \
    ROLLCALL_DATA_DIR=/data \
    ROLLCALL_LOG__FORMAT=json \
    HEALTH_URL=http://127.0.0.1:8000/health/ready
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# With HTTPS set HEALTH_URL to https://…; whose certificate it is does not matter on loopback.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, ssl, urllib.request as r; r.urlopen(os.environ['HEALTH_URL'], timeout=4, context=ssl._create_unverified_context())"]
ENTRYPOINT ["rollcall"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
