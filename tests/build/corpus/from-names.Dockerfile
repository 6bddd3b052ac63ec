FROM scratch AS one
COPY a /a
FROM one AS two.x-y_z
COPY --from=one /a /b
FROM scratch
COPY --from=0 /a /c
COPY --from=TWO.x-y_z /b /d
