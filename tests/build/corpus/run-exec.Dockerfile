FROM base
RUN ["/bin/echo", "a b", "$HOME", "\u00e9\n"]
RUN [ "sh", \
  "-c", "true" ]
