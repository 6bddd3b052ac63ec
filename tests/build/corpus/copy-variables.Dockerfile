FROM scratch
ARG src=a
ENV dst=/b
COPY $src ${dst}/
COPY ["${src}", "$dst"]
