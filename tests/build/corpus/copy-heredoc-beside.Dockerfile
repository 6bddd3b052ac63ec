FROM scratch
COPY file <<generated /dir/
text
generated
