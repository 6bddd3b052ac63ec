FROM scratch
COPY --parents a/b/c.txt d/e /x/
COPY --parents a/./b/**/*.txt /y/
