# syntax=docker/dockerfile:1
FROM scratch
COPY a /a
