FROM scratch
ENV name=world
COPY <<EOF /hello
hello $name \$escaped "quoted"
EOF
COPY <<"raw" <<-tabs /dir/
$name stays
raw
	no tabs
	tabs
