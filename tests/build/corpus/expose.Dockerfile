FROM scratch
ARG port=8080
EXPOSE 80
EXPOSE 53/udp 53/tcp 9000-9002/sctp
EXPOSE $port ${port}/udp
