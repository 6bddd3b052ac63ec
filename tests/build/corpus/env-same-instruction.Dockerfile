FROM scratch
ENV a=hello
ENV a=bye b=$a
ENV c=$a
