FROM scratch
ENV a=1 \
  b=2
COPY <<EOF /f
line
EOF
