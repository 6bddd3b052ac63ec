FROM base
RUN --mount=type=secret,id=token cat /run/secrets/token
RUN --mount=type=secret,id=token,env=TOKEN,required=true env
RUN --mount=type=secret,id=k,target=/etc/k,mode=0440,uid=1,gid=2,required cat /etc/k
RUN --mount=type=secret,target=/etc/name cat /etc/name
