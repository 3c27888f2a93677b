# One image for every part: `docker run … quanyu` is the whole suite, `docker run … quanyu serve coupon` one service.
# Everything installed is pinned by hash; our own code comes as a wheel.

FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/quanyu
COPY requirements.lock .
RUN /opt/quanyu/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY shared shared
COPY gateway gateway
COPY services services
COPY suite suite
COPY docs docs
RUN pip wheel --no-cache-dir --no-deps --wheel-dir dist . \
 && /opt/quanyu/bin/pip install --no-cache-dir --no-deps dist/*.whl

FROM python:3.11.14-slim-bookworm
LABEL org.opencontainers.image.title="Quanyu 全域" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --create-home --home-dir /home/quanyu quanyu \
 && install -d -m 700 -o quanyu -g quanyu /data
COPY --from=build /opt/quanyu /opt/quanyu
ENV PATH=/opt/quanyu/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    QUANYU_HOST=0.0.0.0 \
    QUANYU_METRICS_HOST=0.0.0.0 \
    QUANYU_METRICS_PORT=9464 \
    QUANYU_DATA_DIR=/data \
    QUANYU_LOG_FORMAT=json
USER quanyu
WORKDIR /home/quanyu
VOLUME /data
# 8000 for callers; 9464 for Prometheus: publish it nowhere
EXPOSE 8000 9464
# SIGTERM: readiness turns to 503, open requests finish, then the parts stop (at most 30 s for the requests)
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-m", "suite.probe"]
ENTRYPOINT ["quanyu"]
CMD ["serve"]
