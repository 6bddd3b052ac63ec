FROM scratch
COPY a /b
COPY a b /c/
COPY . .
COPY dir/ /dir
COPY *.txt d?r/[ab] /e/
