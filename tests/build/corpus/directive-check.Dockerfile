# syntax=docker/dockerfile:1
# check=skip=JSONArgsRecommended,StageNameCasing;error=false
FROM scratch AS Base
CMD run
