FROM scratch
ADD https://example.org/repo.git#main:sub /r
ADD --keep-git-dir=true git@example.org:repo.git /s
ADD https://example.org/repo.git?ref=v1&subdir=x /t
ADD --keep-git-dir --checksum=0123456789abcdef https://example.org/repo.git /u
