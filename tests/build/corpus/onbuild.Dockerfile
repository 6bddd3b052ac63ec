FROM base
ONBUILD COPY --chown=1 . /src
ONBUILD RUN make -C /src
ONBUILD ENV a=$b
onbuild run <<EOF
make
EOF
