FROM base
RUN <<'EOF' cat > /f
$not expanded
EOF
RUN <<"E O F"
echo
E O F
