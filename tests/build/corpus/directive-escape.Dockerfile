# escape=`
FROM scratch
COPY a `
  /a
ENV path=C:\dir `
  quoted=`"x`"
