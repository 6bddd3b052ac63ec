FROM scratch
ENV a=1 \
    b=2 \

    # a comment within
    c=3
COPY one \
  two \
  /dst/
