FROM base
ARG HTTP_PROXY
ARG no_proxy=localhost
RUN env
