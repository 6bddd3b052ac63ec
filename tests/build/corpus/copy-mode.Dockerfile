FROM scratch
ARG mode=0640
COPY --chmod=755 a /
COPY --chmod=u=rwX,go=rX a /
COPY --chmod=$mode a /
