FROM scratch
VOLUME /a /b
VOLUME ["/c d", "/e"]
ARG v=/f
VOLUME $v
