FROM base AS deps
COPY list /
RUN install
FROM deps AS build
COPY . /src
RUN --mount=type=cache,target=/cache make
FROM build AS test
RUN make test
FROM scratch
COPY --from=build /src/app /app
ENTRYPOINT ["/app"]
