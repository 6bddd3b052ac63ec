FROM scratch
ENV v=value e=
LABEL a=${v} b=${v:-x} c=${n:-x} d=${e:-x} e=${e-x} f=${v:+y} g=${n+y} h=${v:?no} i=\$v j="$v" k='$v' l=${n:-${v}}
