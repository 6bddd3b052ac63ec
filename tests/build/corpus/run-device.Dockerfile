FROM base
RUN --device=vendor.com/gpu a
RUN --device=vendor.com/gpu=0,required --device=name=other b
