FROM base
RUN [ -f /etc/passwd ]
RUN ['sh', '-c']
RUN ["a"] b
