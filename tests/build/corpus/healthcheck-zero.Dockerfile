FROM scratch
HEALTHCHECK --interval=0s --retries=0 cmd true
