FROM scratch
MAINTAINER Jo Doe <jo@example.org>
