FROM scratch
COPY --exclude=*.o --exclude=**/tmp . /a
COPY --exclude="a b" . /b
