FROM base AS tools
FROM base
RUN --mount=target=/src ls /src
RUN --mount=type=bind,from=tools,source=/bin,target=/tools,rw ls
RUN --mount=type=bind,from=0,src=/x,dst=y,readonly=false ls
