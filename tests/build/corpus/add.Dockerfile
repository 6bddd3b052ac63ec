FROM scratch
ADD archive.tar.gz /a/
ADD --unpack=false archive.tar /b
ADD --unpack archive.tar.zst /c
ADD plain /d
