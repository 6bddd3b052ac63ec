FROM base
RUN echo one && \
    echo $HOME "two  three" > /f
RUN cd /tmp; ls | wc -l
