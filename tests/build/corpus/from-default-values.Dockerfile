ARG TAG
FROM base:${TAG:-latest}
FROM base${TAG:+:$TAG}
