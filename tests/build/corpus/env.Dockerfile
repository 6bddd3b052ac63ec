FROM scratch
ENV a=1 b="two words" c=three\ words d='$a'
ENV e=$a f=${none:-default}
ENV PATH=/opt/bin:$PATH
ENV empty= quoted=""
