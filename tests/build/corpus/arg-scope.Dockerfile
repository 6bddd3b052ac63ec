ARG global=one
FROM scratch AS a
ARG global
ARG local=two derived=${local}-$global
LABEL a=$global b=$local c=$derived
FROM scratch
LABEL d=${global:-unset}
