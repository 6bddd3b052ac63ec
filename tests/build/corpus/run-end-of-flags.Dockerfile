FROM base
RUN -- --mount is no flag here
