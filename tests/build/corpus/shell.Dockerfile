FROM base
SHELL ["/bin/bash", "-eo", "pipefail", "-c"]
RUN a | b
CMD c
