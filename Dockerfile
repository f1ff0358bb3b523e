# One image for all three processes; its command decides which one runs (compose.yaml, docs/deploy.md).
FROM debian:trixie-slim AS build
# Debian stable packages change only by security fixes; a pinned version would vanish from the mirrors.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
# pip has a separate environment, so the image contains none.
RUN python3 -m venv /pip && python3 -m venv --without-pip /venv
COPY requirements.txt /
RUN /pip/bin/pip --python /venv/bin/python install --no-cache-dir --require-hashes --requirement /requirements.txt
# Your own bots, named as for pip: --build-arg BOTS="my-bots==1.2"
ARG BOTS=""
# A second step, since pip would ask for their hashes too. They cannot change a locked version.
# hadolint ignore=DL4006,SC2086
RUN if [ -n "${BOTS}" ]; then \
        /pip/bin/pip --python /venv/bin/python freeze > /locked.txt \
        && /pip/bin/pip --python /venv/bin/python install --no-cache-dir --constraint /locked.txt ${BOTS}; \
    fi

FROM debian:trixie-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --no-log-init --uid 10001 --no-create-home --shell /usr/sbin/nologin bot-scheduler
COPY --from=build /venv /venv
WORKDIR /app
COPY . .
ENV PATH=/app:/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1
# Now, because nothing can be written here at run time.
RUN python -m compileall -q bot_scheduler service scheduler.py worker.py
USER 10001
EXPOSE 8000
# Is the service as a whole healthy? An image cannot know which of the processes it will be.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["bot-scheduler", "health"]
# In exec form, so that SIGTERM reaches the process itself.
CMD ["gunicorn", "--config", "python:service.gunicorn_config"]
