FROM base
RUN --mount=type=tmpfs,target=/tmp/x,size=64m df
RUN --mount=type=tmpfs,destination=/y df
