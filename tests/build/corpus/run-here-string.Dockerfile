FROM base
RUN cat <<< text
RUN echo "<<EOF" $((1<<2)) a<<b
