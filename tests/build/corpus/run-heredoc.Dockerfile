FROM base
RUN <<EOF
set -e
echo "$HOME" > /one
  indented
EOF
RUN <<-EOF
	echo two
		echo three
	EOF
