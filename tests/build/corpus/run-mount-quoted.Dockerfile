FROM base
RUN --mount="type=bind,target=/a b" ls
RUN --mount=type=bind,\
target=/c ls
