# One image for all three processes; what it runs is the command that it is given (compose.yaml, docs/deploy.md).
FROM debian:trixie-slim AS build
# Debian's stable packages change by security fixes alone; a pinned version would be gone from its mirrors instead.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
# pip stays behind in a room of its own: what goes into the image has none.
RUN python3 -m venv /pip && python3 -m venv --without-pip /venv
COPY requirements.txt /
# Bots of your own, as pip takes them: --build-arg BOTS="my-bots==1.2"
ARG BOTS=""
# hadolint ignore=DL3042,SC2086
RUN /pip/bin/pip --python /venv/bin/python install --no-cache-dir --requirement /requirements.txt ${BOTS}

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
# Ahead, since at run time nothing can be written here.
RUN python -m compileall -q bot_scheduler service scheduler.py worker.py
USER 10001
EXPOSE 8000
# Is the service as a whole well? An image cannot know which of the processes it will be.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["bot-scheduler", "health"]
# In exec form, so that SIGTERM reaches the process itself.
CMD ["gunicorn", "--config", "python:service.gunicorn_config"]
