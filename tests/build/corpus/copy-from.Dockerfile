FROM scratch AS one
FROM scratch
COPY --from=one /a /a
COPY --from=0 /b /b
COPY --from=registry.example.org/image:1 /c /c
COPY --from=context . /d
