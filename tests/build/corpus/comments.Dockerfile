# above

FROM scratch
   # indented
ENV a=#1 b="# 2"
#
