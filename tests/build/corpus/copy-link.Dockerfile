FROM base
COPY --link a /a
COPY --link=true b /b
COPY --link=false c /c
