FROM scratch
LABEL naïve="日本語" emoji=🦀
COPY ünï /ç/
