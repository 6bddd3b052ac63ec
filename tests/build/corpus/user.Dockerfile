FROM base
ARG name=app
USER 1000
USER app:staff
USER ${name}:0
