FROM base AS a
ENTRYPOINT ["/init"]
CMD ["--help"]
FROM base AS b
ENTRYPOINT exec top -b
FROM base
ENTRYPOINT []
CMD []
