FROM scratch
ADD --link --chown=1 --chmod=600 --exclude=x a b /c/
