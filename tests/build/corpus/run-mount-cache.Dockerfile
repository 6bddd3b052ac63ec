FROM base
ARG id=shared
RUN --mount=type=cache,target=/root/.cache ls
RUN --mount=type=cache,id=$id,target=/c,sharing=locked,mode=0700,uid=1000,gid=1000 ls
RUN --mount=type=cache,target=/c,ro,sharing=private,from=base,source=/seed ls
