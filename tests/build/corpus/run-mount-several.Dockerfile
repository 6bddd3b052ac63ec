FROM base
RUN --mount=type=cache,target=/a \
    --mount=type=tmpfs,target=/b \
    --mount=type=secret,id=c \
    --network=none \
    make
