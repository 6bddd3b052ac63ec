FROM base
RUN --mount=type=ssh ssh-add -l
RUN --mount=type=ssh,id=deploy,target=/agent,required,mode=0666 true
