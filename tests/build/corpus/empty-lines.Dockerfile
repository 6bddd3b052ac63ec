


FROM scratch


   
ENV a=1

