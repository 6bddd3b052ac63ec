FROM scratch
LABEL a=1 "b.c"="d e" f='g'
LABEL multi="one \
two"
LABEL legacy value here
LABEL empty=
