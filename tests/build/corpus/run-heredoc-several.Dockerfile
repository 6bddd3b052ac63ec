FROM base
RUN <<one cat && 3<<two cat <&3
first
one
second
two
RUN cat <<a >/x; cat <<b >/y
1
a
2
b
