FROM scratch
ENV p=/usr/local/lib.so.1
LABEL a=${p#*/} b=${p##*/} c=${p%.*} d=${p%%.*} e=${p/l/L} f=${p//l/L} g=${p//\//-} h=${p/\/usr/}
