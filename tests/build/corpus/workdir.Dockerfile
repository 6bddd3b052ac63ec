FROM base
ENV dir=/srv
WORKDIR $dir/app
WORKDIR sub
WORKDIR /with space
WORKDIR ../up
