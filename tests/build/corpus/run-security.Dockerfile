FROM base
RUN --security=sandbox a
RUN --security=insecure b
