FROM base
ARG uid=1000
COPY --chown=1:2 a /
COPY --chown=app:app a /
COPY --chown=$uid a /
COPY --chown=:5 a /
